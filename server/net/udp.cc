// A datagram in, a datagram out, until told to stop. Nothing a client or the network does ends the loop.
#include "udp.h"

#include <poll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>

namespace blowback::net {
namespace {

/// No query is longer; what is cut off here is malformed, and answered so.
constexpr std::size_t kLongestQuery = 4096;
/// The thread looks for a newer list at least so often, also when nobody asks.
constexpr int kRefreshMilliseconds = 1000;
/// At the end, queries that are still queued are answered, but not more than that: a flood mustn't keep us from ending.
constexpr int kLastQueries = 10'000;

/// Room for either family's packet information.
union Control {
  cmsghdr header;  // for the alignment
  std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> octets;
};

struct Datagram {
  std::array<std::uint8_t, kLongestQuery> octets;
  std::size_t size = 0;
  sockaddr_storage peer{};
  socklen_t peer_length = 0;
  Control control{};
  std::size_t control_length = 0;
};

enum class Received : std::uint8_t { datagram, nothing, trouble };

[[nodiscard]] Received receive(int socket, Datagram& datagram) {
  iovec part{.iov_base = datagram.octets.data(), .iov_len = datagram.octets.size()};
  msghdr message{};
  message.msg_name = &datagram.peer;
  message.msg_namelen = sizeof datagram.peer;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = datagram.control.octets.data();
  message.msg_controllen = datagram.control.octets.size();
  const auto size = recvmsg(socket, &message, 0);
  if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? Received::nothing : Received::trouble;
  datagram.size = static_cast<std::size_t>(size);
  datagram.peer_length = message.msg_namelen;
  datagram.control_length = message.msg_controllen;
  return Received::datagram;
}

/// Turns the packet information round: what was the destination becomes the source. The interface is the kernel's choice,
/// by the route, but for link-local addresses, which mean nothing without it.
void turn_round(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(part), sizeof info);
      info.ipi_spec_dst = info.ipi_addr;
      info.ipi_ifindex = 0;
      std::memcpy(CMSG_DATA(part), &info, sizeof info);
    } else if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(part), sizeof info);
      const auto* const octets = info.ipi6_addr.s6_addr;
      if (octets[0] != 0xfe || (octets[1] & 0xc0U) != 0x80U) info.ipi6_ifindex = 0;
      std::memcpy(CMSG_DATA(part), &info, sizeof info);
    }
  }
}

void send_back(int socket, bool wildcard, Datagram& to, std::vector<std::uint8_t>& reply) {
  iovec part{.iov_base = reply.data(), .iov_len = reply.size()};
  msghdr message{};
  message.msg_name = &to.peer;
  message.msg_namelen = to.peer_length;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (wildcard && to.control_length > 0) {
    message.msg_control = to.control.octets.data();
    message.msg_controllen = to.control_length;
    turn_round(message);
  }
  // A full buffer, an unreachable client, a source port of 0: the reply is lost, as any datagram may be, and clients ask
  // again. Waiting for one would let all others wait.
  static_cast<void>(sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/// Answers what is queued, at most `most` of it. False: the socket has an error, which may take a while to go away.
[[nodiscard]] bool answer_queued(int socket, bool wildcard, Responder& responder, Datagram& datagram, int most) {
  for (int i = 0; i < most; ++i) {
    switch (receive(socket, datagram)) {
      case Received::datagram: {
        auto reply = responder.respond({datagram.octets.data(), datagram.size});
        if (reply) send_back(socket, wildcard, datagram, *reply);
        break;
      }
      case Received::nothing:
        return true;
      case Received::trouble:
        return errno == EINTR || errno == ECONNREFUSED;
    }
  }
  return true;
}

}  // namespace

void serve_udp(const Descriptor& socket, bool wildcard, const StopSignal& stop, Responder& responder) {
  constexpr int kAtOnce = 256;
  Datagram datagram;
  for (;;) {
    std::array<pollfd, 2> waited{pollfd{.fd = socket.get(), .events = POLLIN, .revents = 0},
                                 pollfd{.fd = stop.get(), .events = POLLIN, .revents = 0}};
    poll(waited.data(), waited.size(), kRefreshMilliseconds);
    if (waited[1].revents != 0) break;
    if (waited[0].revents == 0) {
      responder.refresh();
    } else if (!answer_queued(socket.get(), wildcard, responder, datagram, kAtOnce)) {
      // Out of memory, or a network that went down: not at full speed until it is over.
      poll(&waited[1], 1, 10);
    }
  }
  static_cast<void>(answer_queued(socket.get(), wildcard, responder, datagram, kLastQueries));
}

}  // namespace blowback::net
