package org.barchan.host.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import com.google.rpc.BadRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.barchan.host.lifecycle.RunOrder;
import org.barchan.host.sandbox.AcceleratorChoice;
import org.barchan.host.sandbox.Access;
import org.barchan.host.sandbox.ClientLostPolicy;
import org.barchan.host.sandbox.HostUser;
import org.barchan.host.sandbox.MemorySize;
import org.barchan.host.sandbox.Root;
import org.barchan.v1.EnvironmentVariable;
import org.barchan.v1.Identity;
import org.barchan.v1.Label;
import org.barchan.v1.ProcessSpec;
import org.barchan.v1.RunStart;
import org.barchan.v1.SandboxSpec;
import org.junit.jupiter.api.Test;

final class RunStartParserTest {
    private static final HostUser CLIENT = new HostUser(1000, 1000);
    private static final ProcessSpec TRUE =
            ProcessSpec.newBuilder().addArgv(ByteString.copyFromUtf8("true")).build();

    @Test
    void parse_everythingWrong_namesEachField() throws Exception {
        RunStart start = RunStart.newBuilder()
                .setSandbox(SandboxSpec.newBuilder()
                        .setName("Not A Name\u001b[2J")
                        .setRootDirectory(ByteString.copyFromUtf8("relative"))
                        .setMemoryBytes(0)
                        .setVcpus(256)
                        .setKernelModules(ByteString.copyFromUtf8("/m"))
                        .setAcceleratorValue(99)
                        .setLibvirtUri("qemu+ssh://elsewhere/system"))
                .setProcess(ProcessSpec.newBuilder()
                        .addEnvironment(EnvironmentVariable.newBuilder().setName(ByteString.copyFromUtf8("A=B")))
                        .setTimeout(Duration.newBuilder().setSeconds(-1)))
                .build();

        StatusRuntimeException e = refused(start);

        List<String> fields = violations(e);
        assertEquals(
                List.of(
                        "start.process.argv",
                        "start.process.environment[0].name",
                        "start.process.timeout",
                        "start.sandbox.name",
                        "start.sandbox.memory_bytes",
                        "start.sandbox.vcpus",
                        "start.sandbox.root_directory",
                        "start.sandbox.kernel_modules",
                        "start.sandbox.accelerator",
                        "start.sandbox.libvirt_uri"),
                fields);
        String message = Objects.requireNonNull(e.getStatus().getDescription());
        fields.forEach(field -> assertTrue(message.contains(field), message));
        assertTrue(message.chars().noneMatch(Character::isISOControl), message);
    }

    @Test
    void parse_badLabel_isRefused() throws Exception {
        RunStart start = RunStart.newBuilder()
                .setProcess(TRUE)
                .setSandbox(
                        SandboxSpec.newBuilder().addLabels(Label.newBuilder().setKey("a b")))
                .build();
        assertEquals(List.of("start.sandbox.labels"), violations(refused(start)));
        RunStart twice = RunStart.newBuilder()
                .setProcess(TRUE)
                .setSandbox(SandboxSpec.newBuilder()
                        .addLabels(Label.newBuilder().setKey("a").setValue("1"))
                        .addLabels(Label.newBuilder().setKey("a").setValue("2")))
                .build();
        assertEquals(List.of("start.sandbox.labels"), violations(refused(twice)));
    }

    @Test
    void parse_badRequestId_isRefused() throws Exception {
        RunStart.Builder start = RunStart.newBuilder().setProcess(TRUE).setRequestId("a");
        assertEquals(List.of("start.request_id"), violations(refused(start.build())));
        start.setClientLostPolicy(org.barchan.v1.ClientLostPolicy.CLIENT_LOST_POLICY_KEEP);
        assertEquals("a", request(start).id());
        assertEquals(
                List.of("start.request_id"),
                violations(refused(start.clone().setAwaitHalfClose(true).build())));
        for (String id : List.of("a b", "a\n", "x".repeat(65))) {
            assertEquals(
                    List.of("start.request_id"),
                    violations(refused(start.clone().setRequestId(id).build())));
        }
    }

    @Test
    void parse_sameContent_hasTheSameDigest_whateverItsId() {
        RunStart.Builder start = RunStart.newBuilder()
                .setProcess(TRUE)
                .setRequestId("a")
                .setClientLostPolicy(org.barchan.v1.ClientLostPolicy.CLIENT_LOST_POLICY_KEEP)
                .setSandbox(SandboxSpec.newBuilder().setName("box"));
        RunStart.Builder same = start.clone().setRequestId("b");
        assertEquals(request(start).digest(), request(same).digest());
        assertNotEquals(
                request(start).digest(), request(start.clone().setDetach(true)).digest());
    }

    private static RunOrder.Request request(RunStart.Builder start) {
        return new RunStartParser()
                .parse(start.build(), CLIENT)
                .kept()
                .request()
                .orElseThrow();
    }

    @Test
    void parse_badLifetime_isRefused() throws Exception {
        Duration.Builder none = Duration.newBuilder();
        RunStart start = RunStart.newBuilder()
                .setProcess(TRUE)
                .setSandbox(SandboxSpec.newBuilder().setMaxLifetime(none).setIdleTimeout(none))
                .build();
        assertEquals(
                List.of("start.sandbox.idle_timeout", "start.sandbox.max_lifetime", "start.sandbox.idle_timeout"),
                violations(refused(start)));
    }

    @Test
    void parse_nulInArguments_isRefused() throws Exception {
        RunStart start = RunStart.newBuilder()
                .setProcess(ProcessSpec.newBuilder()
                        .addArgv(ByteString.copyFromUtf8("a"))
                        .addArgv(ByteString.copyFromUtf8("b\0c"))
                        .setWorkingDirectory(ByteString.copyFromUtf8("relative"))
                        .setIdentity(Identity.newBuilder().setUid(7).setPrivileged(true)))
                .build();

        assertEquals(
                List.of(
                        "start.process.argv[1]",
                        "start.process.working_directory",
                        "start.process.identity.privileged"),
                violations(refused(start)));
    }

    @Test
    void parse_kernelArguments_thatAreNotTheCallersToGive_areRefused() throws Exception {
        assertEquals(
                List.of(2, 3, 4, 5, 6, 7, 8).stream()
                        .map(i -> "start.sandbox.kernel_arguments[" + i + "]")
                        .toList(),
                wrongKernelArguments(
                        "fine=1",
                        "quoted=\"two words\"",
                        "two words",
                        "init=/bin/sh",
                        "barchan.debug=1",
                        "--",
                        "",
                        "a\nb",
                        "\"open"));
        assertEquals(
                List.of("start.sandbox.kernel_arguments"), wrongKernelArguments("a".repeat(1000), "b".repeat(1000)));
        assertEquals(
                List.of("start.sandbox.kernel_arguments[0]", "start.sandbox.kernel_arguments"),
                wrongKernelArguments("a".repeat(3_000_000)));
    }

    private static List<String> wrongKernelArguments(String... arguments) throws Exception {
        return violations(refused(RunStart.newBuilder()
                .setSandbox(SandboxSpec.newBuilder().addAllKernelArguments(List.of(arguments)))
                .setProcess(TRUE)
                .build()));
    }

    @Test
    void parse_argumentsThatNoKernelTakes_areRefused() throws Exception {
        RunStart start = RunStart.newBuilder()
                .setProcess(TRUE.toBuilder()
                        .addArgv(ByteString.EMPTY.concat(ByteString.copyFromUtf8("x".repeat(4_000_000)))))
                .build();

        assertEquals(List.of("start.process.argv"), violations(refused(start)));
    }

    @Test
    void parse_hundredsOfViolations_fitAResponse() {
        ProcessSpec.Builder process = TRUE.toBuilder();
        for (int i = 0; i < 500; i++) {
            process.addEnvironment(EnvironmentVariable.getDefaultInstance());
        }

        StatusRuntimeException e =
                refused(RunStart.newBuilder().setProcess(process).build());

        assertTrue(Objects.requireNonNull(e.getStatus().getDescription()).contains("and 490 more"));
    }

    @Test
    void parse_nothingSet_takesDefaults() {
        RunOrder order = new RunStartParser()
                .parse(RunStart.newBuilder().setProcess(TRUE).build(), CLIENT);

        assertEquals(
                new Root.Directory(Root.HOST_ROOT, new Access.ReadOnly(), Optional.empty()),
                order.sandbox().root());
        assertEquals(MemorySize.DEFAULT, order.sandbox().memory());
        assertEquals(1, order.sandbox().vcpus());
        assertEquals(AcceleratorChoice.AUTO, order.sandbox().accelerator());
        assertEquals(ClientLostPolicy.DELETE, order.sandbox().clientLostPolicy());
        assertEquals("qemu:///embed", order.sandbox().libvirtUri());
        assertEquals(Optional.empty(), order.timeout());
        assertTrue(order.sandbox().name().value().startsWith("run-"));
    }

    private static StatusRuntimeException refused(RunStart start) {
        StatusRuntimeException e =
                assertThrows(StatusRuntimeException.class, () -> new RunStartParser().parse(start, CLIENT));
        assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
        return e;
    }

    private static List<String> violations(StatusRuntimeException e) throws Exception {
        var details = Objects.requireNonNull(StatusProto.fromThrowable(e));
        return details.getDetails(0).unpack(BadRequest.class).getFieldViolationsList().stream()
                .map(BadRequest.FieldViolation::getField)
                .toList();
    }
}
