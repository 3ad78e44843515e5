// The judge on any message that can be parsed: the verdict is within its bounds, and the same when judged twice.
#include "blowback/trap_delivery.h"
#include "detect/judge.h"
#include "mail/message.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto message = blowback::mail::parse(bytes, blowback::mail::Limits{});
  if (!message) return 0;
  const std::array<std::string, 1> traps{"trap@trap.example.net"};
  blowback::TrapDelivery delivery;
  if (size % 2 == 0) delivery.mail_from = "";
  const auto verdict = blowback::detect::judge(delivery, *message, traps);
  if (verdict.confidence < 0 || verdict.confidence > 1) std::abort();
  if (blowback::is_backscatter(verdict.kind) && verdict.signals.empty()) std::abort();
  if (verdict.claims_trap && !verdict.original) std::abort();
  const auto again = blowback::detect::judge(delivery, *message, traps);
  if (again.kind != verdict.kind || again.cause != verdict.cause || again.campaign != verdict.campaign) std::abort();
  return 0;
}
