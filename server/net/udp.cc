#include "udp.h"

#include "net/sockets.h"
#include "system/socket_address.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>

namespace blowback::net {
namespace {

/// Datagrams per call. A larger batch gains little: at this size the system calls cost a few percent of a query.
constexpr std::size_t kBatch = 64;
/// Full batches per turn, before other sockets are served.
constexpr int kBatchesAtOnce = 8;
/// Longer datagrams can't be ordinary queries; they are truncated, and answered as malformed.
constexpr std::size_t kLongestQuery = 4096;
/// Added to the distance between buffers: at a distance of a power of two their first lines would all be in the same set of the processor's
/// cache, and displace each other.
constexpr std::size_t kCacheLine = 64;

/// For one in_pktinfo or in6_pktinfo.
using Control = std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))>;

template <typename Info>
[[nodiscard]] std::size_t write_control(Control& control, int level, int type, const Info& info) {
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

/// Writes the control message that gives a reply the source address that its query was sent to. Returns its length.
[[nodiscard]] std::size_t with_source_of(msghdr& received, Control& reply) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&received); header != nullptr; header = CMSG_NXTHDR(&received, header)) {
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      info.ipi_ifindex = 0;  // routing chooses the interface: it may be another one than the query's
      info.ipi_spec_dst = info.ipi_addr;
      return write_control(reply, IPPROTO_IP, IP_PKTINFO, info);
    }
    if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      // A link-local address is valid only with its interface.
      if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = 0;
      return write_control(reply, IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
  }
  return 0;
}

struct Datagram {
  alignas(kCacheLine) std::array<std::uint8_t, kLongestQuery> octets;
  std::array<std::uint8_t, kCacheLine> apart;
};
struct Reply {
  alignas(kCacheLine) std::array<std::uint8_t, answer::kLongestUdpReply> octets;
};

}  // namespace

struct UdpBatch::Room {
  std::array<Datagram, kBatch> datagrams;
  std::array<Reply, kBatch> replies;
  std::array<sockaddr_storage, kBatch> clients;
  std::array<iovec, kBatch> datagram_octets;
  std::array<iovec, kBatch> reply_octets;
  struct alignas(cmsghdr) ControlRoom {
    Control octets;
  };
  std::array<ControlRoom, kBatch> controls;
  std::array<ControlRoom, kBatch> reply_controls;
  std::array<mmsghdr, kBatch> received;
  std::array<mmsghdr, kBatch> to_send;
  std::array<answer::Asked, kBatch> asked;
  std::array<std::span<std::uint8_t>, kBatch> reply_rooms;
  std::array<answer::Answer, kBatch> answers;
};

UdpBatch::UdpBatch() : room_(std::make_unique<Room>()) {
  auto& room = *room_;
  for (std::size_t i = 0; i < kBatch; ++i) {
    room.datagram_octets[i] = {.iov_base = room.datagrams[i].octets.data(), .iov_len = kLongestQuery};
    auto& header = room.received[i].msg_hdr;
    header.msg_name = &room.clients[i];
    header.msg_iov = &room.datagram_octets[i];
    header.msg_iovlen = 1;
    room.to_send[i].msg_hdr.msg_iov = &room.reply_octets[i];
    room.to_send[i].msg_hdr.msg_iovlen = 1;
    room.reply_rooms[i] = room.replies[i].octets;
  }
}
UdpBatch::~UdpBatch() = default;

std::size_t UdpBatch::receive(int socket, bool any_address) {
  auto& room = *room_;
  for (std::size_t i = 0; i < kBatch; ++i) {
    auto& header = room.received[i].msg_hdr;
    header.msg_namelen = sizeof(sockaddr_storage);
    header.msg_control = any_address ? room.controls[i].octets.data() : nullptr;
    header.msg_controllen = any_address ? room.controls[i].octets.size() : 0;
  }
  // Several attempts: an ICMP error for an earlier reply, or a signal, doesn't mean that there is no datagram.
  for (int attempt = 0; attempt < kBatchesAtOnce; ++attempt) {
    const int received = recvmmsg(socket, room.received.data(), kBatch, 0, nullptr);
    if (received > 0) return static_cast<std::size_t>(received);
    if (received == 0 || errno == EAGAIN || errno == EWOULDBLOCK) return 0;
  }
  return 0;
}

std::size_t UdpBatch::answer_all(std::size_t received, Answerer& answerer, WorkerCounters& counters) {
  auto& room = *room_;
  for (std::size_t i = 0; i < received; ++i) {
    room.asked[i] = {
        .message = std::span(room.datagrams[i].octets).first(room.received[i].msg_len),
        .client = address_of(room.clients[i]).value_or(IpAddress()),  // the socket has one of the two families
        .transport = answer::Transport::udp};
  }
  answerer.answer_all(std::span(room.asked).first(received), room.reply_rooms, room.answers);
  std::size_t replies = 0;
  for (std::size_t i = 0; i < received; ++i) {
    const auto& answer = room.answers[i];
    counters.udp.count(answer, room.asked[i].client.family());
    if (answer.size == 0) continue;
    room.reply_octets[replies] = {.iov_base = room.replies[i].octets.data(), .iov_len = answer.size};
    auto& header = room.to_send[replies].msg_hdr;
    header.msg_name = &room.clients[i];
    header.msg_namelen = room.received[i].msg_hdr.msg_namelen;
    header.msg_controllen = room.received[i].msg_hdr.msg_control == nullptr
                                ? 0
                                : with_source_of(room.received[i].msg_hdr, room.reply_controls[replies].octets);
    header.msg_control = header.msg_controllen == 0 ? nullptr : room.reply_controls[replies].octets.data();
    ++replies;
  }
  return replies;
}

void UdpBatch::send(int socket, std::size_t replies, WorkerCounters& counters) {
  for (std::size_t sent = 0; sent < replies;) {
    const int taken = sendmmsg(socket, room_->to_send.data() + sent, static_cast<unsigned>(replies - sent), 0);
    if (taken > 0) {
      sent += static_cast<std::size_t>(taken);
      continue;
    }
    // The kernel rejected the first of the rest. UDP may lose a reply anywhere; this loss is counted.
    counters.send_failed.add();
    ++sent;
  }
}

void UdpBatch::serve(int socket, bool any_address, Answerer& answerer, WorkerCounters& counters) {
  for (int batch = 0; batch < kBatchesAtOnce; ++batch) {
    const auto received = receive(socket, any_address);
    if (received == 0) return;
    const auto read_at = std::chrono::steady_clock::now();
    answerer.refresh();
    send(socket, answer_all(received, answerer, counters), counters);
    counters.add_latency(std::chrono::steady_clock::now() - read_at, received);
    // The batch isn't full: nothing is left, and epoll reports the next datagram.
    if (received < kBatch) return;
  }
}

}  // namespace blowback::net
