"""duet serve examples/hello.py"""


def fetch():
    return "Hello from Python!\n"
