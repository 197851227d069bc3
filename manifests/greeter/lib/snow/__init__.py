# A package of bytecode.
from .flake import flake
from .depth import firn
