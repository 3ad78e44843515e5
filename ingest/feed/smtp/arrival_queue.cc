#include "arrival_queue.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <sys/eventfd.h>
#include <utility>

namespace blowback::smtp {

ArrivalQueue::ArrivalQueue(feed::WitnessOf witness_of)
    : wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), gate_(std::move(witness_of)) {}

void ArrivalQueue::add(Ticket ticket, TrapDelivery message) {
  const std::scoped_lock lock(mutex_);
  messages_.push_back({.ticket = ticket, .delivery = std::move(message)});
  wake();
}

void ArrivalQueue::add_callout(TrapDelivery callout) {
  const std::scoped_lock lock(mutex_);
  if (callouts_.size() >= kMostCallouts || !gate_.admits(callout)) return;
  callouts_.push_back(std::move(callout));
  wake();
}

void ArrivalQueue::add_removal(Ticket ticket, RemovalRequested removal) {
  const std::scoped_lock lock(mutex_);
  removals_.push_back({.ticket = ticket, .removal = std::move(removal)});
  wake();
}

std::vector<RemovalArrived> ArrivalQueue::take_removals(std::size_t most) {
  const std::scoped_lock lock(mutex_);
  std::vector<RemovalArrived> taken;
  while (!removals_.empty() && taken.size() < most) {
    taken.push_back(std::move(removals_.front()));
    removals_.pop_front();
  }
  if (!removals_.empty()) wake();
  return taken;
}

void ArrivalQueue::remove(Ticket ticket) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(removals_, [&](const RemovalArrived& each) { return each.ticket == ticket; });
  std::erase_if(messages_, [&](const Message& message) { return message.ticket == ticket; });
}

void ArrivalQueue::set_witness_of(feed::WitnessOf witness_of) {
  const std::scoped_lock lock(mutex_);
  gate_.set_witness_of(std::move(witness_of));
}

std::vector<Arrived> ArrivalQueue::take(const feed::Bounds& bounds) {
  const std::scoped_lock lock(mutex_);
  std::uint64_t count = 0;
  static_cast<void>(!read(wake_.get(), &count, sizeof count));
  std::vector<Arrived> taken;
  std::size_t octets = 0;
  while (!messages_.empty() && taken.size() < bounds.items && octets < bounds.octets) {
    auto& [ticket, delivery] = messages_.front();
    octets += delivery.message.size();
    taken.push_back(
        {.ticket = ticket, .item = {.where = fmt::format("session {}", ticket), .content = std::move(delivery)}});
    messages_.pop_front();
  }
  while (!callouts_.empty() && taken.size() < bounds.items) {
    taken.push_back({.ticket = kNoTicket, .item = {.where = "callout", .content = std::move(callouts_.front())}});
    callouts_.pop_front();
  }
  if (!messages_.empty() || !callouts_.empty() || !removals_.empty()) wake();
  return taken;
}

void ArrivalQueue::wake() const {
  const std::uint64_t one = 1;
  static_cast<void>(!write(wake_.get(), &one, sizeof one));
}

}  // namespace blowback::smtp
