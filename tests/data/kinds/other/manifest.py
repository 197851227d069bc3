module("extra.py")
