"""HTTP/2 frames by hand, for what no library would send."""

import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
SESSION = "/atoll.sync.v1.Sync/Session"


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _length(value):
    """An integer of HPACK with a prefix of 7 bits."""
    if value < 127:
        return bytes([value])
    out, value = b"\x7f", value - 127
    while value >= 128:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def literal(name, value, indexed=False):
    name, value = name.encode(), value.encode()
    return (b"\x40" if indexed else b"\x00") + _length(len(name)) + name + _length(len(value)) + value


def request(path=SESSION, token="x", extra=()):
    """The header block of a gRPC call."""
    pairs = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "127.0.0.1")]
    pairs += [("te", "trailers"), ("content-type", "application/grpc"), ("authorization", f"Bearer {token}")]
    return b"".join(literal(name, value) for name, value in [*pairs, *extra])


def message(body, size=None, compressed=0):
    """A gRPC message; its prefix may lie about its size."""
    return bytes([compressed]) + struct.pack(">I", len(body) if size is None else size) + body


class Raw:
    """A connection that says what it is told to and reads only when it is told to."""

    def __init__(self, port, settings=b"", receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", port))
        self.socket.settimeout(20)
        self.gone = False
        self.send(PREFACE + frame(SETTINGS, payload=settings))

    def send(self, data):
        """False when the server has closed or does not take more: either is its right."""
        if self.gone:
            return False
        try:
            self.socket.sendall(data)
        except OSError:
            self.gone = True
        return not self.gone

    def frames(self, seconds=1.0):
        """What the server said until it is silent for that long or closes: [(kind, flags, stream, payload)]."""
        self.socket.settimeout(seconds)
        data, found = b"", []
        while True:
            try:
                part = self.socket.recv(1 << 16)
            except TimeoutError:
                break
            except OSError:
                self.gone = True
                break
            if not part:
                self.gone = True
                break
            data += part
            while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], "big"):
                size = int.from_bytes(data[:3], "big")
                found.append((data[3], data[4], int.from_bytes(data[5:9], "big"), data[9 : 9 + size]))
                data = data[9 + size :]
        return found

    def close(self):
        self.socket.close()
