"""One file per wire format, bytes in and columns out, without I/O."""
