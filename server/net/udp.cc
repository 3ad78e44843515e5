// The plain loop: recvmsg, answer, sendmsg. A batched one may come to stand beside it.
#include "udp.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>

namespace blowback::net {
namespace {

/// Longer datagrams can't be plain queries; what is cut off makes them malformed, and they are answered as that.
constexpr std::size_t kLongestQuery = 4096;

/// Room for one in_pktinfo or in6_pktinfo.
using Control = std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))>;

template <typename Info>
[[nodiscard]] std::size_t put(Control& control, int level, int type, const Info& info) {
  msghdr shape{};
  shape.msg_control = control.data();
  shape.msg_controllen = control.size();
  cmsghdr* const out = CMSG_FIRSTHDR(&shape);
  out->cmsg_len = CMSG_LEN(sizeof info);
  out->cmsg_level = level;
  out->cmsg_type = type;
  std::memcpy(CMSG_DATA(out), &info, sizeof info);
  return CMSG_SPACE(sizeof info);
}

/// The control message that makes a reply leave from the address its query came to. Returns its length.
[[nodiscard]] std::size_t from_where_it_came(msghdr& received, Control& reply) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&received); header != nullptr; header = CMSG_NXTHDR(&received, header)) {
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      info.ipi_ifindex = 0;  // routing finds the way; a reply needn't leave where the query came in
      info.ipi_spec_dst = info.ipi_addr;
      return put(reply, IPPROTO_IP, IP_PKTINFO, info);
    }
    if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      // A link-local address means nothing without its interface.
      if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = 0;
      return put(reply, IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
  }
  return 0;
}

}  // namespace

void answer_datagrams(int socket, std::size_t most, const Answerer& answer, WorkerCounters& counters) {
  std::array<std::uint8_t, kLongestQuery> buffer;  // read only as far as it was filled
  for (std::size_t i = 0; i < most; ++i) {
    sockaddr_storage client{};
    iovec bytes{.iov_base = buffer.data(), .iov_len = buffer.size()};
    alignas(cmsghdr) Control control{};
    msghdr received{};
    received.msg_name = &client;
    received.msg_namelen = sizeof client;
    received.msg_iov = &bytes;
    received.msg_iovlen = 1;
    received.msg_control = control.data();
    received.msg_controllen = control.size();
    const ssize_t size = recvmsg(socket, &received, 0);
    if (size < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      continue;  // an ICMP error for an earlier reply, or a signal: nothing of this query
    }
    auto answered = answer(std::span(buffer).first(static_cast<std::size_t>(size)), answer::Transport::udp);
    counters.udp.count(answered);
    if (!answered.reply) continue;

    alignas(cmsghdr) Control reply_control{};
    iovec reply_bytes{.iov_base = answered.reply->data(), .iov_len = answered.reply->size()};
    msghdr reply{};
    reply.msg_name = &client;
    reply.msg_namelen = received.msg_namelen;
    reply.msg_iov = &reply_bytes;
    reply.msg_iovlen = 1;
    reply.msg_controllen = from_where_it_came(received, reply_control);
    reply.msg_control = reply.msg_controllen == 0 ? nullptr : reply_control.data();
    // UDP may lose a reply anywhere; where it is lost here, it is counted.
    if (sendmsg(socket, &reply, 0) < 0) counters.send_failed.add();
  }
}

}  // namespace blowback::net
