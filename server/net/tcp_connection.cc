// Framing by two octets of length (RFC 1035 §4.2.2), both ways.
#include "tcp_connection.h"

#include <array>
#include <cerrno>

namespace blowback::net {
namespace {

/// As by UDP: no query is longer. Whoever announces one is no resolver.
constexpr std::size_t kLongestQuery = 4096;
/// Replies unsent, from which on no more queries are read.
constexpr std::size_t kMostPending = 64 * 1024;
/// Then the client may connect again: no connection lasts for ever.
constexpr std::size_t kMostQueries = 10'000;
constexpr std::size_t kReadAtOnce = 16 * 1024;

[[nodiscard]] bool is_passing(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

bool TcpConnection::wants_to_read() const {
  if (at_end_) return false;
  // Once finishing, what still comes is read and thrown away: closing with unread input would reset the connection, and
  // take from the client replies that are still under way.
  return state_ == State::finishing ? shut_ : pending() < kMostPending;
}

void TcpConnection::finish() {
  if (state_ == State::open) state_ = State::finishing;
}

std::size_t TcpConnection::advance(Responder& responder) {
  std::size_t answered = 0;
  if (wants_to_read()) read_some();
  // Answering fills the output and writing empties it; a client that takes its replies gets all it has asked for.
  for (;;) {
    const auto now_answered = answer_whole_queries(responder);
    answered += now_answered;
    write_some();
    if (now_answered == 0 || pending() >= kMostPending) break;
  }
  if (at_end_) finish();
  if (state_ == State::finishing && !wants_to_write() && !shut_) {
    shutdown(socket_.get(), SHUT_WR);
    shut_ = true;
  }
  if (shut_ && at_end_) state_ = State::done;
  return answered;
}

void TcpConnection::read_some() {
  std::array<std::uint8_t, kReadAtOnce> octets;
  const auto size = recv(socket_.get(), octets.data(), octets.size(), 0);
  if (size > 0) {
    if (state_ == State::open) input_.insert(input_.end(), octets.begin(), octets.begin() + size);
  } else if (size == 0) {
    at_end_ = true;
  } else if (!is_passing(errno)) {
    state_ = State::done;
  }
}

std::size_t TcpConnection::answer_whole_queries(Responder& responder) {
  std::size_t answered = 0;
  std::size_t taken = 0;
  while (state_ == State::open && pending() < kMostPending && input_.size() - taken >= 2) {
    const auto length = static_cast<std::size_t>((input_[taken] << 8U) | input_[taken + 1]);
    if (length > kLongestQuery) {
      finish();
      break;
    }
    if (input_.size() - taken - 2 < length) break;
    const auto reply = responder.respond({input_.data() + taken + 2, length});
    taken += 2 + length;
    ++answered;
    if (!reply) {
      // What we meet with silence isn't DNS; by TCP there is no forged source to protect, and no reason to go on.
      finish();
      break;
    }
    output_.push_back(static_cast<std::uint8_t>(reply->size() >> 8U));
    output_.push_back(static_cast<std::uint8_t>(reply->size() & 0xffU));
    output_.insert(output_.end(), reply->begin(), reply->end());
    if (++queries_ == kMostQueries) finish();
  }
  input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(taken));
  return answered;
}

void TcpConnection::write_some() {
  while (state_ != State::done && wants_to_write()) {
    const auto size = send(socket_.get(), output_.data() + sent_, pending(), MSG_NOSIGNAL);
    if (size < 0) {
      if (!is_passing(errno)) state_ = State::done;
      if (errno != EINTR) break;
    } else {
      sent_ += static_cast<std::size_t>(size);
    }
  }
  if (sent_ == output_.size()) {
    output_.clear();
    sent_ = 0;
  } else if (sent_ >= kMostPending) {
    output_.erase(output_.begin(), output_.begin() + static_cast<std::ptrdiff_t>(sent_));
    sent_ = 0;
  }
}

}  // namespace blowback::net
