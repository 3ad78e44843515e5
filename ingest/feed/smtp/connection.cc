// After each operation `advance` starts the next one, as the session asks for.
#include "connection.h"

#include "proxy_header.h"

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/ssl/error.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <utility>

namespace blowback::smtp {
namespace {

/// A connection that was reset or timed out may have been so by anything on the way; then the client didn't end it.
[[nodiscard]] Session::EndedBy ended_by(const asio::error_code& fault) {
  const bool is_closed = fault == asio::error::eof || fault == asio::ssl::error::stream_truncated;
  return is_closed ? Session::EndedBy::client : Session::EndedBy::us;
}

}  // namespace

Connection::Connection(Owner& owner, Budget& budget, std::shared_ptr<ConnectionTerms> terms, StreamSocket socket,
                       Ticket ticket, Session::Peer peer)
    : owner_(owner),
      budget_(budget),
      socket_(std::move(socket)),
      terms_(std::move(terms)),
      timer_(socket_.get_executor()),
      ticket_(ticket),
      peer_(peer),
      session_ends_at_(Steady::now() + settings().times.session) {}

void Connection::begin() {
  allow_client(settings().times.command);
  watch_deadline();
  if (settings().proxy_protocol) {
    read_proxy_header();
  } else {
    start_session();
  }
}

void Connection::report_storage(bool is_stored) {
  if (!session_ || session_->wants() != Session::Wants::storage) return;
  session_->report_storage(is_stored, settings().now());
  advance();
}

void Connection::answer(std::string_view reply) {
  if (!session_ || session_->wants() != Session::Wants::answer) return;
  session_->answer(reply, settings().now());
  advance();
}

void Connection::end(std::string_view reply) {
  const bool may_reply = session_ && session_->wants() == Session::Wants::input && !shut_down_;
  if (!may_reply || operation_ == Operation::none || !final_reply_.empty()) return close(EndedBy::us);
  final_reply_ = reply;
  allow(settings().times.close);
  asio::error_code ignored;
  if (operation_ == Operation::read) socket_.cancel(ignored);
}

std::optional<std::chrono::steady_clock::time_point> Connection::waiting_since() const {
  const auto wants = session_ ? session_->wants() : Session::Wants::input;
  const bool waits_for_us =
      wants == Session::Wants::storage || wants == Session::Wants::answer || wants == Session::Wants::close;
  return waits_for_us || !final_reply_.empty() ? std::nullopt : std::optional(allowed_since_);
}

void Connection::read_proxy_header() {
  operation_ = Operation::read;
  socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](asio::error_code fault, std::size_t size) {
    self->operation_ = Operation::none;
    if (fault || self->closed_) return self->close(EndedBy::us);
    self->proxy_header_.append(self->buffer_.data(), size);
    const auto header = parse_proxy_header(self->proxy_header_);
    if (!header) {
      if (header.error() == ProxyFault::incomplete) return self->read_proxy_header();
      return self->close(EndedBy::us);
    }
    // The proxy is trusted; the client behind it is not.
    self->peer_ = {.address = header->client, .anonymous = !header->client};
    if (header->client && !self->owner_.admit(self->ticket_, *header->client)) return self->close(EndedBy::us);
    self->early_input_ = self->proxy_header_.substr(header->octets);
    self->proxy_header_ = {};
    self->start_session();
  });
}

void Connection::start_session() {
  session_ = std::make_unique<Session>(settings().session, budget_, peer_);
  advance();
}

void Connection::advance() {
  if (closed_ || operation_ != Operation::none) return;
  if (!final_reply_.empty() && session_->wants() == Session::Wants::input) {
    session_->end(std::exchange(final_reply_, {}), EndedBy::us, settings().now());
  }
  deliver_callouts();
  output_ = session_->take_output();
  if (!output_.empty()) return send_output();
  switch (session_->wants()) {
    case Session::Wants::input:
      return read();
    case Session::Wants::handshake:
      return handshake();
    case Session::Wants::storage:
    case Session::Wants::answer:
      return await_storage();
    case Session::Wants::close:
      return shut_down();
  }
}

void Connection::send_output() {
  operation_ = Operation::write;
  const auto sent = [self = shared_from_this()](asio::error_code fault, std::size_t) {
    self->operation_ = Operation::none;
    // The client may not have read our reply, so we don't know why it left.
    if (fault) return self->close(EndedBy::us);
    self->advance();
  };
  if (tls_) {
    asio::async_write(*tls_, asio::buffer(output_), sent);
  } else {
    asio::async_write(socket_, asio::buffer(output_), sent);
  }
}

void Connection::read() {
  delivered_ = false;
  // The time starts again with each whole command and each message, not with each octet: a client that sends octet by octet gains nothing.
  if (session_->commands() != commands_ || session_->in_data() != in_data_) {
    commands_ = session_->commands();
    in_data_ = session_->in_data();
    allow_client(in_data_ ? settings().times.data : settings().times.command);
  }
  if (!early_input_.empty()) {
    session_->receive(std::exchange(early_input_, {}), settings().now());
    return advance();
  }
  operation_ = Operation::read;
  const auto received = [self = shared_from_this()](asio::error_code fault, std::size_t size) {
    self->operation_ = Operation::none;
    if (self->closed_) return;
    if (fault && self->final_reply_.empty()) return self->close(ended_by(fault));
    if (!fault) self->session_->receive(std::string_view(self->buffer_.data(), size), self->settings().now());
    self->advance();
  };
  if (tls_) {
    tls_->async_read_some(asio::buffer(buffer_), received);
  } else {
    socket_.async_read_some(asio::buffer(buffer_), received);
  }
}

void Connection::handshake() {
  allow_client(settings().times.command);
  tls_ = std::make_unique<asio::ssl::stream<StreamSocket&>>(socket_, terms_->tls);
  operation_ = Operation::write;
  tls_->async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](asio::error_code fault) {
    self->operation_ = Operation::none;
    if (fault) return self->close(EndedBy::us);
    self->session_->secured();
    self->advance();
  });
}

void Connection::await_storage() {
  allow(settings().times.storage);
  if (std::exchange(delivered_, true)) return;
  if (session_->wants() == Session::Wants::answer) {
    owner_.deliver_removal(ticket_, session_->take_removal());
  } else {
    owner_.deliver(ticket_, session_->take_message());
  }
}

/// Closes our side once the last reply is sent, and waits for the client's. To close with octets unread would reset the connection, and
/// the client would lose the reply (RFC 1122 §4.2.2.13).
void Connection::shut_down() {
  if (!std::exchange(shut_down_, true)) {
    allow(settings().times.close);
    asio::error_code ignored;
    socket_.shutdown(StreamSocket::shutdown_send, ignored);
  }
  operation_ = Operation::read;
  socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](asio::error_code fault, std::size_t) {
    self->operation_ = Operation::none;
    if (fault || self->closed_) return self->close(EndedBy::us);
    self->shut_down();
  });
}

void Connection::close(EndedBy by) {
  if (std::exchange(closed_, true)) return;
  if (session_) {
    session_->end("", by, settings().now());
    deliver_callouts();
  }
  asio::error_code ignored;
  timer_.cancel();
  socket_.close(ignored);
  owner_.closed(ticket_);
}

void Connection::deliver_callouts() {
  for (auto& callout : session_->take_callouts()) owner_.deliver_callout(std::move(callout));
}

/// Sets the deadline for what the client does next: within `time`, and within the session's.
void Connection::allow_client(Steady::duration time) {
  allow(time);
  deadline_ = std::min(deadline_, session_ends_at_);
}

void Connection::allow(Steady::duration time) {
  allowed_since_ = Steady::now();
  deadline_ = allowed_since_ + time;
}

/// One timer, which looks at the deadline at least every second: to set it again for each command would cost more.
void Connection::watch_deadline() {
  timer_.expires_at(std::min(deadline_, Steady::now() + std::chrono::seconds{1}));
  timer_.async_wait([self = shared_from_this()](asio::error_code fault) {
    if (fault || self->closed_) return;
    if (Steady::now() >= self->deadline_) self->end("421 4.4.2 Timeout");
    if (!self->closed_) self->watch_deadline();
  });
}

}  // namespace blowback::smtp
