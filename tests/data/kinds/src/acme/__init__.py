from acme.io import read
