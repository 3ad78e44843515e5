// UDP: a datagram in, a datagram out, from the address that was asked.
#pragma once

#include "answer/answer.h"
#include "counters.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace blowback::net {

/// Answers one query for a worker, from whatever it answers from at the moment.
using Answerer = std::function<answer::Answer(std::span<const std::uint8_t>, answer::Transport)>;

/// Reads and answers what waits on `socket`, at most `most` datagrams, so that other sockets get their turn.
void answer_datagrams(int socket, std::size_t most, const Answerer& answer, WorkerCounters& counters);

}  // namespace blowback::net
