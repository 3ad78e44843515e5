// Answering on one UDP socket. Private to this room.
#pragma once

#include "responder.h"
#include "socket.h"

namespace blowback::net {

/// Answers until `stop` is raised, and then what was received before. `wildcard`: the socket tells of each datagram which
/// of our addresses it was sent to. All must outlive the call.
void serve_udp(const Descriptor& socket, bool wildcard, const StopSignal& stop, Responder& responder);

}  // namespace blowback::net
