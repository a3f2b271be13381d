#!/usr/bin/env python3
"""Receives logs as the services themselves read them: log_receivers.py PROTOCOL ADDRESS FILE, until it is killed.

PROTOCOL is fluentd, gelf-udp, gelf-tcp, syslog-tcp (RFC 5424 by RFC 6587's octet counting) or syslog-udp (RFC 3164). Each message
that follows its specification becomes a line of JSON in FILE; anything else is a line {"broken": ...}.
"""
import json
import os
import re
import socket
import struct
import sys

protocol, address, path = sys.argv[1:4]
host, port = address.rsplit(":", 1)
out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def keep(value):
    os.write(out, json.dumps(value).encode() + b"\n")


class Short(Exception):
    """More bytes are needed."""


class Unpacker:
    """https://github.com/msgpack/msgpack/blob/master/spec.md, the types that logs have."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise Short
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, code):
        return struct.unpack(">" + code, self.take(struct.calcsize(code)))[0]

    def value(self):
        kind = self.number("B")
        if kind < 0x80:
            return kind
        if kind < 0x90:
            return self.map(kind & 15)
        if kind < 0xA0:
            return [self.value() for _ in range(kind & 15)]
        if kind < 0xC0:
            return self.take(kind & 31).decode()
        if kind == 0xD7:
            if self.number("b") != 0:
                raise ValueError("an extension that is no EventTime")
            return {"seconds": self.number("I"), "nanoseconds": self.number("I")}
        if kind in (0xCE, 0xCF):
            return self.number("I" if kind == 0xCE else "Q")
        if kind in (0xD9, 0xDA, 0xDB):
            return self.take(self.number({0xD9: "B", 0xDA: "H", 0xDB: "I"}[kind])).decode()
        if kind == 0xDE:
            return self.map(self.number("H"))
        raise ValueError("type 0x%x" % kind)

    def map(self, count):
        result = {}
        for _ in range(count):
            key = self.value()
            result[key] = self.value()
        return result


def read_fluentd(data):
    """One message in the forward protocol's message mode, and what is left."""
    unpacker = Unpacker(data)
    tag, time, record = unpacker.value()
    return {"tag": tag, "time": time, "record": record}, data[unpacker.at:]


def read_gelf(data):
    end = data.find(b"\0")
    if end < 0:
        raise Short
    return check_gelf(data[:end]), data[end + 1:]


def check_gelf(data):
    value = json.loads(data)
    if value["version"] != "1.1" or not value["host"] or not value["short_message"]:
        raise ValueError("a field that must be there")
    for key in value:
        if not re.fullmatch(r"version|host|short_message|full_message|timestamp|level|_[\w.-]+", key):
            raise ValueError("field " + key)
    return value


SYSLOG_5424 = re.compile(
    r"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) (-|\[.*?\])(?: (.*))?", re.S)
SYSLOG_3164 = re.compile(r"<(\d{1,3})>([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (\S+) ([^\[\s]{1,32})\[(\d+)\]: (.*)", re.S)


def read_syslog(data):
    counted = re.match(rb"([1-9]\d{0,5}) ", data)
    if not counted:
        raise Short if re.fullmatch(rb"\d{0,6}", data) else ValueError("no count of octets")
    end = counted.end() + int(counted[1])
    if len(data) < end:
        raise Short
    parts = SYSLOG_5424.fullmatch(data[counted.end():end].decode())
    if not parts:
        raise ValueError("no RFC 5424")
    priority, time, host_name, app, pid, message_id, _, text = parts.groups()
    return {"priority": int(priority), "time": time, "host": host_name, "app": app, "pid": int(pid), "id": message_id, "text": text}, data[end:]


def serve_stream(read):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((host, int(port)))
    server.listen()
    keep("ready")
    while True:
        connection, _ = server.accept()
        data = b""
        while piece := connection.recv(65536):
            data += piece
            try:
                while data:
                    value, data = read(data)
                    keep(value)
            except Short:
                pass
            except (ValueError, KeyError) as error:
                keep({"broken": "%s in %r" % (error, data[:200])})
                data = b""
        if data:
            keep({"broken": "cut: %r" % data[:200]})


def serve_datagrams():
    server = socket.socket(type=socket.SOCK_DGRAM)
    server.bind((host, int(port)))
    keep("ready")
    parts = {}
    while True:
        data = server.recv(65536)
        try:
            if protocol == "syslog-udp":
                priority, time, name, tag, pid, text = SYSLOG_3164.fullmatch(data.decode()).groups()
                keep({"priority": int(priority), "time": time, "host": name, "tag": tag, "pid": int(pid), "text": text})
                continue
            if data.startswith(b"\x1e\x0f"):
                key, number, count = data[2:10], data[10], data[11]
                chunks = parts.setdefault(key, {})
                chunks[number] = data[12:]
                if len(chunks) < count:
                    continue
                data = b"".join(chunks[i] for i in range(count))
                del parts[key]
            keep(check_gelf(data))
        except (ValueError, KeyError, AttributeError) as error:
            keep({"broken": "%s in %r" % (error, data[:200])})


if protocol.endswith("-udp"):
    serve_datagrams()
serve_stream({"fluentd": read_fluentd, "gelf-tcp": read_gelf, "syslog-tcp": read_syslog}[protocol])
