"""A TCP proxy that treats its connections badly: delays, cuts, cuts in the middle of a frame, falls silent."""

import contextlib
import random
import select
import socket
import threading
import time


class Proxy:
    """Listens on a port of its own and forwards to the target, in the mode that `mode` says:
    pass, delay (up to 200 ms a piece), truncate (each connection after up to 2000 more bytes), silent (nothing moves,
    nothing is closed: a half-open connection)."""

    def __init__(self, target, seed):
        self.target = target
        self.random = random.Random(seed)
        self.mode = "pass"
        self.pairs = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.closed:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=2)
            except OSError:
                client.close()
                continue
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.pairs.append((client, server))
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()

    def _forward(self, client, server):
        left = None
        with contextlib.suppress(OSError, ValueError):
            while True:
                if self.mode == "silent":
                    time.sleep(0.05)
                    continue
                ready, _, _ = select.select([client, server], [], [], 0.1)
                for source in ready:
                    data = source.recv(1 << 16)
                    if not data:
                        return self._drop(client, server)
                    if self.mode == "delay":
                        time.sleep(self.random.random() * 0.2)
                    if self.mode == "truncate":
                        left = self.random.randrange(2000) if left is None else left
                        data, left = data[:left], left - len(data)
                    else:
                        left = None
                    (server if source is client else client).sendall(data)
                    if left is not None and left <= 0:
                        return self._drop(client, server)
        return self._drop(client, server)

    def _drop(self, client, server):
        with self.lock, contextlib.suppress(ValueError):
            self.pairs.remove((client, server))
        for each in (client, server):
            # A cut connection is a reset one, not one that was closed in good order.
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            each.close()

    def cut(self):
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            for each in pair:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.closed = True
        self.listener.close()
        self.cut()
