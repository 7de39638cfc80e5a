def render(document):
    return b""


def assets():
    return {}


def version_of(b):
    return ""
