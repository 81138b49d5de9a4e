"""Runs many processes in one sandbox and prints how many went right. Argument: the agent's socket."""

import contextlib
import sys
import threading

import grpc

from barchan.v1 import process_pb2, process_service_pb2, process_service_pb2_grpc
from barchan.v1 import sandbox_pb2

DEADLINE = 300
SHELL = b"/bin/sh"


class Call:
    """One call of Run, its standard input open until it is ended."""

    def __init__(self, stub, first):
        self.over = threading.Event()
        self.bytes = 0
        self.exit_code = None
        self.responses = stub.Run(self.requests(first), timeout=DEADLINE)

    def requests(self, first):
        yield first
        self.over.wait()

    def await_started(self):
        for response in self.responses:
            if response.process.HasField("started"):
                return self
        raise AssertionError("not started")

    def read(self):
        for response in self.responses:
            if response.process.HasField("output"):
                self.bytes += len(response.process.output.data)
            elif response.process.HasField("terminated"):
                self.exit_code = response.process.terminated.exit_code
        return self

    def end(self):
        self.over.set()
        return self


def main(socket):
    with contextlib.ExitStack() as channels:

        def connect():
            # A connection carries some calls, not any number.
            channel = grpc.insecure_channel("unix:" + socket, [("grpc.use_local_subchannel_pool", 1)])
            return process_service_pb2_grpc.ProcessServiceStub(channels.enter_context(channel))

        stub = connect()

        def execute(script, stub=stub):
            process = process_pb2.ProcessSpec(argv=[SHELL, b"-c", script])
            start = process_service_pb2.ExecStart(sandbox="many", process=process)
            return Call(stub, process_service_pb2.RunRequest(exec=start))

        start = process_service_pb2.RunStart(
            sandbox=sandbox_pb2.SandboxSpec(name="many"),
            process=process_pb2.ProcessSpec(argv=[SHELL, b"-c", b"read line"]),
        )
        box = Call(stub, process_service_pb2.RunRequest(start=start)).await_started()

        right = 0
        for i in range(270):
            call = execute(b"printf %%20000d 0; exit %d" % (i % 100)).end().read()
            right += call.exit_code == i % 100 and call.bytes == 20000
        print("one after the other:", right, "right")

        calls = [execute(b"head -c 2000000 /dev/zero; exit 3").end() for _ in range(40)]
        for call in calls:
            call.await_started()
        right = sum(call.read().exit_code == 3 and call.bytes == 2000000 for call in calls)
        print("at once, unread:", right, "right")

        calls = []
        try:
            while len(calls) < 1000:
                if len(calls) % 50 == 0:
                    stub = connect()
                calls.append(execute(b"read line", stub).await_started())
        except grpc.RpcError as error:
            print("more than may be: %s, %d run" % (error.code().name, len(calls)))
        for call in calls:
            call.end().read()
        print("after those:", execute(b"exit 0").end().read().exit_code)
        box.end().read()


main(sys.argv[1])
