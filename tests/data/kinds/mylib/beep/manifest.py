metadata(version="0.3.1", description="beeps")
module("beep.py")
