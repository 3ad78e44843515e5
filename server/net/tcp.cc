// A connection has two buffers: octets that were read and not answered yet (`in`), and replies that the client hasn't read yet (`out`).
// While `out` is larger than kPendingReplies nothing more is read, so that a client that never reads uses no more memory than that.
#include "tcp.h"

#include "net/sockets.h"
#include "system/socket_address.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <span>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace blowback::net {
namespace {

constexpr std::size_t kReadAtOnce = 16'384;
constexpr std::size_t kPendingReplies = 65'536;
/// Connections accepted and queries answered per turn, before other sockets are served.
constexpr int kAcceptAtOnce = 16;
constexpr std::size_t kAnswerAtOnce = 64;
/// RFC 1035 §4.2.2: two octets of length before each message.
constexpr std::size_t kLengthPrefix = 2;

}  // namespace

bool TcpConnections::Connection::holds_query() const {
  return in.size() >= kLengthPrefix && in.size() - kLengthPrefix >= static_cast<std::size_t>((in[0] << 8U) | in[1]);
}

std::uint32_t TcpConnections::Connection::events() const {
  const bool may_read = !client_done && pending() <= kPendingReplies && !holds_query();
  const bool must_write = pending() > 0 || holds_query();
  return (may_read ? EPOLLIN : 0U) | (must_write ? EPOLLOUT : 0U);
}

TcpConnections::TcpConnections(int epoll, Limits limits, WorkerCounters& counters,
                               std::function<void(transfer::Handover)> transfer)
    : epoll_(epoll),
      limits_(limits),
      counters_(counters),
      transfer_(std::move(transfer)),
      reply_(answer::kLongestTcpReply) {}
TcpConnections::~TcpConnections() = default;

bool TcpConnections::accept_from(int listener, Steady::time_point now) {
  for (int i = 0; i < kAcceptAtOnce; ++i) {
    sockaddr_storage from{};
    socklen_t length = sizeof from;
    Descriptor socket(accept4(listener, reinterpret_cast<sockaddr*>(&from), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.get() < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
      // The limit on descriptors: close the connection that was idle longest, as for the limit on connections.
      if (errno == EMFILE && close_idlest({})) continue;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return false;
      continue;  // that client has closed its connection
    }
    // The listener has one of the two families.
    const auto client = address_of(from).value_or(IpAddress());
    make_room(client);
    counters_.tcp_connections.add();
    auto connection = std::make_unique<Connection>();
    connection->socket = std::move(socket);
    connection->client = client;
    connection->opened = connection->active = now;
    adopt(std::move(connection));
  }
  return true;
}

void TcpConnections::adopt(Owned connection) {
  const int fd = connection->socket.get();
  connection->watched = connection->events();
  epoll_event event{};
  event.events = connection->watched;
  event.data.fd = fd;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return;  // no more watches: the connection is closed
  ++per_address_[connection->client];
  open_[fd] = std::move(connection);
}

std::vector<TcpConnections::Owned> TcpConnections::release() {
  std::vector<Owned> released;
  released.reserve(open_.size());
  for (auto& [fd, connection] : open_) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
    released.push_back(std::move(connection));
  }
  open_.clear();
  per_address_.clear();
  return released;
}

void TcpConnections::make_room(const IpAddress& address) {
  const auto held = per_address_.find(address);
  const bool address_full = held != per_address_.end() && held->second >= limits_.per_address();
  if (!address_full && open_.size() < limits_.connections) return;
  static_cast<void>(close_idlest(address_full ? std::optional(address) : std::nullopt));
}

bool TcpConnections::close_idlest(const std::optional<IpAddress>& of) {
  const Connection* idlest = nullptr;
  for (const auto& [fd, connection] : open_) {
    if (of && connection->client != *of) continue;
    if (idlest == nullptr || connection->active < idlest->active) idlest = connection.get();
  }
  if (idlest == nullptr) return false;
  counters_.tcp_closed_idle.add();
  close(idlest->socket.get());
  return true;
}

void TcpConnections::close(int fd) {
  const auto found = open_.find(fd);
  if (found == open_.end()) return;
  const auto held = per_address_.find(found->second->client);
  if (held != per_address_.end() && --held->second == 0) per_address_.erase(held);
  open_.erase(found);  // closing the descriptor removes it from epoll
}

void TcpConnections::serve(int fd, std::uint32_t events, Answerer& answerer, Steady::time_point now) {
  const auto found = open_.find(fd);
  if (found == open_.end()) return;  // closed earlier in this turn
  Connection& connection = *found->second;
  bool well = (events & EPOLLERR) == 0;
  if (well && (events & (EPOLLIN | EPOLLHUP)) != 0 && !connection.client_done) well = read_more(connection);
  if (well) {
    if (answer_what_is_read(connection, answerer, now)) {
      hand_over(fd);
      return;
    }
    well = write_out(connection, now);
  }
  const bool is_over = connection.client_done && !connection.holds_query() && connection.pending() == 0;
  if (!well || is_over) {
    close(fd);
    return;
  }
  watch(connection);
}

bool TcpConnections::read_more(Connection& connection) {
  if (connection.pending() > kPendingReplies || connection.holds_query()) return true;
  std::array<std::uint8_t, kReadAtOnce> buffer;  // only the part that recv fills is read
  const ssize_t size = recv(connection.socket.get(), buffer.data(), buffer.size(), 0);
  if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  if (size == 0) connection.client_done = true;
  connection.in.insert(connection.in.end(), buffer.begin(), buffer.begin() + size);
  return true;
}

bool TcpConnections::answer_what_is_read(Connection& connection, Answerer& answerer, Steady::time_point now) {
  std::size_t at = 0;
  bool is_transfer = false;
  auto& in = connection.in;
  auto& out = connection.out;
  for (std::size_t i = 0; i < kAnswerAtOnce && connection.pending() <= kPendingReplies; ++i) {
    if (in.size() - at < kLengthPrefix) break;
    const auto length = static_cast<std::size_t>((in[at] << 8U) | in[at + 1]);
    if (in.size() - at - kLengthPrefix < length) break;
    const auto answered = answerer.answer({.message = std::span(in).subspan(at + kLengthPrefix, length),
                                           .client = connection.client,
                                           .transport = answer::Transport::tcp},
                                          reply_);
    if (answered.outcome == answer::Outcome::transfer) {
      is_transfer = true;
      counters_.tcp.count(answered, connection.client.family());
      break;
    }
    at += kLengthPrefix + length;
    connection.active = now;
    counters_.tcp.count(answered, connection.client.family());
    if (answered.size == 0) continue;
    out.push_back(static_cast<std::uint8_t>(answered.size >> 8U));
    out.push_back(static_cast<std::uint8_t>(answered.size & 0xffU));
    out.insert(out.end(), reply_.begin(), reply_.begin() + static_cast<std::ptrdiff_t>(answered.size));
  }
  in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(at));
  return is_transfer;
}

void TcpConnections::hand_over(int fd) {
  auto& connection = *open_.at(fd);
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  connection.out.erase(connection.out.begin(),
                       connection.out.begin() + static_cast<std::ptrdiff_t>(connection.written));
  transfer::Handover handover{.socket = std::move(connection.socket),
                              .client = connection.client,
                              .in = std::move(connection.in),
                              .out = std::move(connection.out)};
  close(fd);
  transfer_(std::move(handover));
}

bool TcpConnections::write_out(Connection& connection, Steady::time_point now) {
  while (connection.pending() > 0) {
    const ssize_t size =
        send(connection.socket.get(), connection.out.data() + connection.written, connection.pending(), MSG_NOSIGNAL);
    if (size < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK;
    }
    connection.written += static_cast<std::size_t>(size);
    connection.active = now;
  }
  connection.out.clear();
  connection.written = 0;
  return true;
}

void TcpConnections::watch(Connection& connection) const {
  const auto wanted = connection.events();
  if (wanted == connection.watched) return;
  epoll_event event{};
  event.events = wanted;
  event.data.fd = connection.socket.get();
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.socket.get(), &event) == 0) connection.watched = wanted;
}

void TcpConnections::close_idle(Steady::time_point now) {
  std::vector<int> over;
  for (const auto& [fd, connection] : open_) {
    if (now - connection->active >= limits_.idle || now - connection->opened >= limits_.lifetime()) over.push_back(fd);
  }
  for (const int fd : over) {
    counters_.tcp_closed_idle.add();
    close(fd);
  }
}

}  // namespace blowback::net
