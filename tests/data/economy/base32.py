_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def encode(data):
    bits = number = 0
    text = ""
    for byte in data:
        number = (number << 8) | byte
        bits += 8
        while bits >= 5:
            bits -= 5
            text += _ALPHABET[(number >> bits) & 31]
    if bits:
        text += _ALPHABET[(number << (5 - bits)) & 31]
    return text
