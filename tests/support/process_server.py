"""The tests' host as a server.

gunicorn serves ``application``. Without gunicorn: ``python -m tests.support.process_server FD``.
"""

import socket
import sys
from socketserver import TCPServer
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()


def serve(descriptor: int) -> None:
    """Serve on a socket that listens already, one request after another."""
    server = WSGIServer(("127.0.0.1", 0), WSGIRequestHandler, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=descriptor)
    server.server_address = server.socket.getsockname()
    server.server_name, server.server_port = "127.0.0.1", int(server.server_address[1])
    server.setup_environ()
    server.set_app(application)
    TCPServer.serve_forever(server)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
