"""BGP UPDATE octets <-> values (RFC 4271, 4760, 7432, 9136, 7606). No sockets, no clock, no logging."""
