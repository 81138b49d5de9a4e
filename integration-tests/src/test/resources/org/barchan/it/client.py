"""Runs a command through ProcessService.Run and prints what came of it. Argument: the agent's socket."""

import sys

import grpc

from barchan.v1 import node_service_pb2, node_service_pb2_grpc
from barchan.v1 import process_pb2, process_service_pb2, process_service_pb2_grpc
from barchan.v1 import sandbox_pb2, sandbox_service_pb2, sandbox_service_pb2_grpc

DEADLINE = 120


def run(stub, argv, stdin=(), **sandbox):
    def requests():
        start = process_service_pb2.RunStart(
            sandbox=sandbox_pb2.SandboxSpec(**sandbox),
            process=process_pb2.ProcessSpec(argv=argv),
        )
        yield process_service_pb2.RunRequest(start=start)
        for chunk in stdin:
            yield process_service_pb2.RunRequest(stdin=chunk)

    return stub.Run(requests(), timeout=DEADLINE)


def status_of(call):
    try:
        call()
        return "OK"
    except grpc.RpcError as error:
        return error.code().name


def main(socket):
    with grpc.insecure_channel("unix:" + socket) as channel:
        # The health service has no stubs in this package: an empty request, and field 1 = 1 in the response, is SERVING.
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        print("health", "SERVING" if check(b"", timeout=DEADLINE) == b"\x08\x01" else "not serving")

        node = node_service_pb2_grpc.NodeServiceStub(channel)
        print("agent", node.GetNode(node_service_pb2.GetNodeRequest(), timeout=DEADLINE).agent_pid)

        processes = process_service_pb2_grpc.ProcessServiceStub(channel)
        output = {process_pb2.OUTPUT_STREAM_STDOUT: b"", process_pb2.OUTPUT_STREAM_STDERR: b""}
        running = False
        termination = None
        for response in run(processes, [b"/bin/sh", b"-c", b"cat; echo seen >&2; exit 7"], [b"from python\x00", b"\xff"]):
            kind = response.WhichOneof("response")
            if kind == "sandbox":
                running = running or response.sandbox.state == sandbox_pb2.SANDBOX_STATE_RUNNING
            elif kind == "process":
                event = response.process
                if event.HasField("output"):
                    assert event.output.offset == len(output[event.output.stream]), event
                    output[event.output.stream] += event.output.data
                elif event.HasField("terminated"):
                    termination = event.terminated
        print("sandbox", "running" if running else "never seen running")
        print("stdout", output[process_pb2.OUTPUT_STREAM_STDOUT])
        print("stderr", output[process_pb2.OUTPUT_STREAM_STDERR])
        print("exit_code", termination.exit_code, "cause", termination.cause,
              "offsets", termination.stdout_bytes, termination.stderr_bytes)

        print("bad request", status_of(lambda: list(run(processes, [b"/bin/true"], memory_bytes=1))))
        sandboxes = sandbox_service_pb2_grpc.SandboxServiceStub(channel)
        absent = sandbox_service_pb2.GetSandboxRequest(sandbox="nobody-here")
        print("absent", status_of(lambda: sandboxes.GetSandbox(absent, timeout=DEADLINE)))


main(sys.argv[1])
