"""The kernel's side: message codecs (pure) and the sockets. Everything per MAC is packed here; links go by pyroute2."""
