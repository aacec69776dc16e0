"""The extension, without a peer: values, octets and ExaBGP's own classes."""
