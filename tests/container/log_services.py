#!/usr/bin/env python3
"""Stands in for log services: log_services.py KIND ADDRESS FILE, until it is killed.

KIND is unix, udp or tcp. What arrives is appended to FILE, one message (or piece of a stream) a line, as Python shows bytes.
"""
import os
import socket
import sys

kind, address, path = sys.argv[1:4]
family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
server = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
if kind == "unix":
    server.bind(address)
else:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    host, port = address.split(":")
    server.bind((host, int(port)))
out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def keep(data):
    os.write(out, repr(data).encode() + b"\n")


if kind == "tcp":
    server.listen()
    os.write(out, b"ready\n")
    while True:
        connection, _ = server.accept()
        while data := connection.recv(65536):
            keep(data)
os.write(out, b"ready\n")
while True:
    keep(server.recv(65536))
