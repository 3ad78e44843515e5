#include "transfer/channel.h"

#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>

namespace blowback::transfer {
namespace {

class PlainChannel final : public Channel {
 public:
  explicit PlainChannel(Descriptor socket) : socket_(std::move(socket)) {}

  [[nodiscard]] Moved read(std::span<std::uint8_t> into) override {
    const ssize_t size = recv(socket_.get(), into.data(), into.size(), 0);
    return size == 0 ? Moved{.state = Moved::State::ended} : result_of(size);
  }

  [[nodiscard]] Moved write(std::span<const std::uint8_t> octets) override {
    return result_of(send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL));
  }

  [[nodiscard]] std::uint32_t before_reading() const override { return EPOLLIN; }
  [[nodiscard]] std::uint32_t before_writing() const override { return EPOLLOUT; }

 private:
  [[nodiscard]] static Moved result_of(ssize_t size) {
    if (size >= 0) return {.state = Moved::State::some, .octets = static_cast<std::size_t>(size)};
    const bool waits = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    return {.state = waits ? Moved::State::none : Moved::State::failed};
  }

  Descriptor socket_;
};

}  // namespace

std::unique_ptr<Channel> plain_channel(Descriptor socket) { return std::make_unique<PlainChannel>(std::move(socket)); }

}  // namespace blowback::transfer
