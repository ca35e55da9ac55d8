"""listener.py - the end of a listening socket that a thread accepts on."""
import socket


def stop(sock, thread):
    """A socket that is closed under its thread frees its number: the thread's next accept would take the client of
    whoever has the number by then. Hence the thread goes first."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    thread.join(15)
    sock.close()
