def measure(o):
    return {}
