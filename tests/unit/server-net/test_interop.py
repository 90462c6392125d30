"""A stock gRPC client (Debian's grpcio) against atolld: calls, statuses, streams, limits. Usage: test_interop.py ATOLLD SCHEMA_DIR."""

import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import grpc
from google.protobuf import descriptor_pb2

ATOLLD, SCHEMA = map(os.path.abspath, sys.argv[1:3])
STUBS = tempfile.mkdtemp(prefix="atoll-interop-")
PROTOS = [os.path.join(SCHEMA, name + ".proto") for name in ("auth", "health", "reflection", "sync")]
subprocess.run(["protoc", "--proto_path=" + SCHEMA, "--python_out=" + STUBS, *PROTOS], check=True)
sys.path.insert(0, STUBS)

import auth_pb2 as auth  # noqa: E402
import health_pb2 as health  # noqa: E402
import reflection_pb2 as reflection  # noqa: E402
import sync_pb2 as sync  # noqa: E402

PATIENCE = 20  # seconds
SESSION = "/atoll.sync.v1.Sync/Session"


class Server:
    def __init__(self, folder, listen="127.0.0.1:0"):
        port_file = os.path.join(folder, "port")
        if os.path.exists(port_file):
            os.unlink(port_file)
        self.data = os.path.join(folder, "data")
        self.process = subprocess.Popen([ATOLLD, "--data", self.data, "--listen", listen, "--port-file", port_file, "--log-level", "warn"])
        deadline = time.monotonic() + PATIENCE
        while not os.path.exists(port_file):
            assert self.process.poll() is None and time.monotonic() < deadline, "atolld did not start"
            time.sleep(0.01)
        with open(port_file, encoding="utf-8") as file:
            self.port = int(file.read())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


class Stream:
    """A bidirectional stream whose requests are put one by one."""

    def __init__(self, channel, token):
        self._requests = queue.Queue()
        call = channel.stream_stream(SESSION, request_serializer=lambda m: m if isinstance(m, bytes) else m.SerializeToString(),
                                     response_deserializer=sync.ServerMessage.FromString)
        self.answers = call(iter(self._requests.get, None), metadata=[("authorization", "Bearer " + token)] if token else None)

    def send(self, message):
        self._requests.put(message)

    def end(self):
        self._requests.put(None)


def bind(app):
    message = sync.ClientMessage()
    message.bind.protocol_version_min = message.bind.protocol_version_max = 1
    message.bind.app_id = app
    message.bind.flexible = True
    message.bind.user_agent = "stock"
    thing = getattr(message.bind, "schema").add(name="Thing", primary_key="_id")
    thing.properties.add(name="_id", type=sync.VALUE_TYPE_INT)
    return message


class Interop(unittest.TestCase):
    def setUp(self):
        folder = tempfile.mkdtemp(prefix="atoll-interop-")
        self.folder = folder
        self.server = Server(folder)
        options = [("grpc.max_send_message_length", -1), ("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 100)]
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.server.port}", options=options)

    def tearDown(self):
        self.channel.close()
        self.assertEqual(self.server.stop(), 0)
        subprocess.run(["rm", "-rf", self.folder], check=True)

    def ask(self, path, message, answer, token=None, **more):
        call = self.channel.unary_unary(path, request_serializer=lambda m: m.SerializeToString(), response_deserializer=answer.FromString)
        return call(message, timeout=PATIENCE, metadata=[("authorization", "Bearer " + token)] if token else None, **more)

    def refused(self, code, exact, call):
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        if exact is not None:
            self.assertEqual(dict(caught.exception.trailing_metadata())["atoll-status"], str(exact))
        return caught.exception.details()

    def log_in(self):
        return self.ask("/atoll.auth.v1.Auth/LogIn", auth.LogInRequest(app_id="shop", anonymous=auth.Anonymous()), auth.Tokens)

    def check_health(self, service="", **more):
        return self.ask("/grpc.health.v1.Health/Check", health.HealthCheckRequest(service=service), health.HealthCheckResponse, **more)

    def test_reflection_names_services_and_gives_their_files(self):
        for version in ("v1", "v1alpha"):
            method = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
            ask = self.channel.stream_stream(method, request_serializer=lambda m: m.SerializeToString(),
                                             response_deserializer=reflection.ServerReflectionResponse.FromString)
            requests = [reflection.ServerReflectionRequest(list_services=""), reflection.ServerReflectionRequest(file_containing_symbol="atoll.auth.v1.Auth"),
                        reflection.ServerReflectionRequest(file_by_filename="sync.proto"), reflection.ServerReflectionRequest(file_containing_symbol="nothing")]
            services, auth_file, sync_file, nothing = list(ask(iter(requests), timeout=PATIENCE))
            names = {service.name for service in services.list_services_response.service}
            self.assertLessEqual({"atoll.auth.v1.Auth", "atoll.sync.v1.Sync", "grpc.health.v1.Health"}, names)
            self.assertEqual(descriptor_pb2.FileDescriptorProto.FromString(auth_file.file_descriptor_response.file_descriptor_proto[0]).name, "auth.proto")
            found = descriptor_pb2.FileDescriptorProto.FromString(sync_file.file_descriptor_response.file_descriptor_proto[0])
            self.assertEqual([service.name for service in found.service], ["Sync"])
            self.assertEqual(nothing.error_response.error_code, grpc.StatusCode.NOT_FOUND.value[0])

    def test_health_is_watched(self):
        watch = self.channel.unary_stream("/grpc.health.v1.Health/Watch", request_serializer=lambda m: m.SerializeToString(),
                                          response_deserializer=health.HealthCheckResponse.FromString)
        for service, state in (("", 1), ("atoll.sync.v1.Sync", 1), ("other", 3)):
            call = watch(health.HealthCheckRequest(service=service), timeout=PATIENCE)
            self.assertEqual(next(iter(call)).status, state)
            call.cancel()

    def test_health_answers(self):
        for service in ("", "atoll.sync.v1.Sync", "atoll.auth.v1.Auth"):
            self.assertEqual(self.check_health(service).status, health.HealthCheckResponse.SERVING)
        self.refused(grpc.StatusCode.NOT_FOUND, None, lambda: self.check_health("nobody"))

    def test_errors_have_status_text_and_exact_number(self):
        registration = auth.RegisterRequest(app_id="shop", email_password=auth.EmailPassword(email="ann@x.org", password="secret1"))

        def register():
            return self.ask("/atoll.auth.v1.Auth/RegisterUser", registration, auth.Nothing)

        register()
        self.assertIn("already registered", self.refused(grpc.StatusCode.ALREADY_EXISTS, 703, register))
        texts = set()
        for email, password in (("ann@x.org", "wrong!"), ("nobody@x.org", "secret1")):
            request = auth.LogInRequest(app_id="shop", email_password=auth.EmailPassword(email=email, password=password))
            texts.add(self.refused(grpc.StatusCode.UNAUTHENTICATED, 701, lambda: self.ask("/atoll.auth.v1.Auth/LogIn", request, auth.Tokens)))
        self.assertEqual(len(texts), 1)  # what is wrong is not told
        self.refused(grpc.StatusCode.UNIMPLEMENTED, 104, lambda: self.ask("/atoll.auth.v1.Auth/Nope", auth.Nothing(), auth.Nothing))
        bad = auth.LogInRequest(app_id="../up", anonymous=auth.Anonymous())
        self.refused(grpc.StatusCode.NOT_FOUND, 707, lambda: self.ask("/atoll.auth.v1.Auth/LogIn", bad, auth.Tokens))

    def test_refresh_lives_until_log_out_and_streams_with_it(self):
        tokens = self.log_in()
        request = auth.RefreshRequest(app_id="shop", refresh_token=tokens.refresh_token)
        fresh = self.ask("/atoll.auth.v1.Auth/Refresh", request, auth.Tokens)
        self.assertEqual(fresh.access_expires_ms - fresh.server_ms, 30 * 60 * 1000)
        swapped = auth.RefreshRequest(app_id="shop", refresh_token=tokens.access_token)
        self.refused(grpc.StatusCode.UNAUTHENTICATED, 702, lambda: self.ask("/atoll.auth.v1.Auth/Refresh", swapped, auth.Tokens))
        stream = Stream(self.channel, fresh.access_token)
        stream.send(bind("shop"))
        self.assertEqual(next(stream.answers).WhichOneof("body"), "bound")
        self.ask("/atoll.auth.v1.Auth/LogOut", request, auth.Nothing)
        self.refused(grpc.StatusCode.UNAUTHENTICATED, 702, lambda: list(stream.answers))
        stream.end()
        self.refused(grpc.StatusCode.UNAUTHENTICATED, 702, lambda: self.ask("/atoll.auth.v1.Auth/Refresh", request, auth.Tokens))
        late = Stream(self.channel, fresh.access_token)
        self.refused(grpc.StatusCode.UNAUTHENTICATED, 702, lambda: list(late.answers))
        late.end()

    def test_a_token_that_is_said_on_the_stream_is_judged(self):
        tokens, others = self.log_in(), self.log_in()
        stream = Stream(self.channel, tokens.access_token)
        stream.send(bind("shop"))
        self.assertEqual(next(stream.answers).WhichOneof("body"), "bound")
        request = auth.RefreshRequest(app_id="shop", refresh_token=tokens.refresh_token)
        fresh = self.ask("/atoll.auth.v1.Auth/Refresh", request, auth.Tokens)
        stream.send(sync.ClientMessage(authenticate=sync.Authenticate(access_token=fresh.access_token)))
        stream.send(sync.ClientMessage(ping=sync.Ping(sent_ms=7)))
        self.assertIn("pong", [next(stream.answers).WhichOneof("body") for _ in range(2)])
        stream.send(sync.ClientMessage(authenticate=sync.Authenticate(access_token=others.access_token)))
        self.refused(grpc.StatusCode.UNAUTHENTICATED, 702, lambda: list(stream.answers))
        stream.end()

    def test_another_version_is_refused_by_its_name(self):
        tokens = self.log_in()
        stream = Stream(self.channel, tokens.access_token)
        old = bind("shop")
        old.bind.protocol_version_min = old.bind.protocol_version_max = 0
        stream.send(old)
        words = "versions 0 to 0 of the protocol, this server 1 to 1"
        self.assertIn(words, next(stream.answers).error.text)
        self.refused(grpc.StatusCode.FAILED_PRECONDITION, 505, lambda: list(stream.answers))
        stream.end()
        for method in ("/atoll.sync.v0.Sync/Session", "/atoll.auth.v2.Auth/LogIn"):
            call = self.channel.unary_unary(method)
            self.refused(grpc.StatusCode.FAILED_PRECONDITION, 505, lambda: call(b"", timeout=PATIENCE))
        self.refused(grpc.StatusCode.UNIMPLEMENTED, None, lambda: self.channel.unary_unary("/atoll.sync.v1.Sync/No")(b""))

    def test_stream_needs_a_token_and_a_bind(self):
        for token in ("", "nonsense", "a.b.c"):
            stream = Stream(self.channel, token)
            self.refused(grpc.StatusCode.UNAUTHENTICATED, 702, lambda: list(stream.answers))
            stream.end()
        stream = Stream(self.channel, self.log_in().access_token)
        stream.send(sync.ClientMessage(ping=sync.Ping(sent_ms=1)))
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, None, lambda: list(stream.answers))
        stream.end()
        stream = Stream(self.channel, self.log_in().access_token)
        stream.send(b"\xff\xff\xff\xff garbage")
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, None, lambda: list(stream.answers))
        stream.end()

    def test_many_streams_share_a_connection(self):
        token = self.log_in().access_token
        streams = [Stream(self.channel, token) for _ in range(60)]
        for stream in streams:
            stream.send(bind("shop"))
        idents = {next(stream.answers).bound.ident for stream in streams}
        self.assertEqual(len(idents), 60)
        for stream in streams:
            stream.end()
            for _ in stream.answers:
                pass
            self.assertEqual(stream.answers.code(), grpc.StatusCode.OK)

    def test_oversized_message_ends_its_stream_only(self):
        token = self.log_in().access_token
        good, bad = Stream(self.channel, token), Stream(self.channel, token)
        good.send(bind("shop"))
        self.assertEqual(next(good.answers).WhichOneof("body"), "bound")
        bad.send(b"z" * (33 << 20))
        self.refused(grpc.StatusCode.RESOURCE_EXHAUSTED, 506, lambda: list(bad.answers))
        bad.end()
        good.send(sync.ClientMessage(ping=sync.Ping(sent_ms=42)))
        pong = next(answer for answer in good.answers if answer.WhichOneof("body") == "pong")
        self.assertEqual(pong.pong.sent_ms, 42)
        good.end()

    def test_other_than_grpc_is_told_so(self):
        # curl speaks HTTP/2 with prior knowledge; a plain request has no gRPC content type.
        url = f"http://127.0.0.1:{self.server.port}/grpc.health.v1.Health/Check"
        # Without a body: the server ends a stream that it has answered early by RST_STREAM(NO_ERROR), as RFC 9113 section
        # 8.1 allows, and this curl sometimes drops the answer then.
        for arguments, code in ((["-X", "POST"], "415"), ([], "405")):
            done = subprocess.run(["curl", "-s", "--http2-prior-knowledge", "-o", "/dev/null", "-w", "%{http_code}", *arguments, url],
                                  stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)
            self.assertEqual(done.stdout, code)
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=PATIENCE) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            while plain.recv(4096):
                pass
        self.check_health()

    def test_stop_ends_streams_and_a_restart_is_found_again(self):
        stream = Stream(self.channel, self.log_in().access_token)
        stream.send(bind("shop"))
        next(stream.answers)
        self.assertEqual(self.server.stop(), 0)
        self.refused(grpc.StatusCode.UNAVAILABLE, None, lambda: list(stream.answers))
        stream.end()
        self.server = Server(self.folder, f"127.0.0.1:{self.server.port}")
        self.check_health(wait_for_ready=True)


if __name__ == "__main__":
    outcome = unittest.main(argv=sys.argv[:1], verbosity=2, exit=False).result
    subprocess.run(["rm", "-rf", STUBS], check=True)
    sys.exit(0 if outcome.wasSuccessful() else 1)
