module("extra.py")
freeze("walked")
