// Hostile messages: shapes from 1 KB to 64 MB, and the classic attacks (nesting, one line, a million fields, NULs,
// archives). Each is parsed and judged in a process of its own, whose time and peak memory are printed.
//
//   judge_hostile             without limits on size, and with a limit of a million header fields
//   judge_hostile --as-fed    with the limits that feeds have in production
//
// Exits 1 if time grows faster than size, memory is more than a small multiple of it, or a classic takes 2 s or 200 MB.
#include "detect/judge.h"
#include "mail/message.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/wait.h>
#include <vector>

namespace {

using namespace blowback;

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

constexpr std::string_view kBounce =
    "Return-Path: <>\nFrom: MAILER-DAEMON@mail.example.com\nTo: trap@trap.example.net\n"
    "Subject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n";

/// `start`, followed by repetitions of `what` up to `size` octets.
[[nodiscard]] std::string filled(std::string start, std::string_view what, std::size_t size) {
  start.reserve(std::max(size, start.size()) + what.size());
  while (start.size() + what.size() <= size) start += what;
  return start;
}

struct Shape {
  std::string_view name;
  std::function<std::string(std::size_t)> made;
};

[[nodiscard]] std::vector<Shape> shapes() {
  const std::string head(kBounce);
  const std::string report =
      head + "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\n";
  const std::string status =
      "\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example.com\n\n"
      "Final-Recipient: rfc822; nobody@example.com\nAction: failed\nStatus: 5.1.1\n";
  return {
      {"a bounce that returns a large mail",
       [=](std::size_t size) {
         return filled(report + "Sorry.\n" + status + "\n--b\nContent-Type: message/rfc822\n\nSubject: spam\n\n",
                       "Buy this, it is cheap and good and you will like it.\n", size);
       }},
      {"a plain bounce, prose without end",
       [=](std::size_t size) {
         return filled(head + "\n", "The following address failed: user unknown, message could not be\n", size);
       }},
      {"lines that all could begin the original",
       [=](std::size_t size) { return filled(head + "\n", "From: a@example.com\nSubject: x\n\n", size); }},
      {"one line", [=](std::size_t size) { return filled(head + "\n", "x", size); }},
      {"one header field", [=](std::size_t size) { return filled(head + "X-A: ", "y", size); }},
      {"one header field, folded", [=](std::size_t size) { return filled(head + "X-A: x", "\n a", size); }},
      {"many header fields", [=](std::size_t size) { return filled(head, "X-A: 1\n", size); }},
      {"a subject of encoded words",
       [=](std::size_t size) { return filled(head + "Subject: ", "=?utf-8?Q?=C3=A4?= ", size); }},
      {"HTML, tags without end",
       [=](std::size_t size) { return filled(head + "Content-Type: text/html\n\n", "<style><b>&amp;<p", size); }},
      {"base64 of nothing much",
       [=](std::size_t size) {
         return filled(head + "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n",
                       "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\n", size);
       }},
      {"an enclosed message in base64",
       [=](std::size_t size) {
         return filled(head + "Content-Type: message/global\nContent-Transfer-Encoding: base64\n\n",
                       "QTogMQpBOiAxCkE6IDEKQTogMQpBOiAxCkE6IDEKQTogMQpBOiAxCkE6IDEK\n", size);
       }},
      {"parts without number",
       [=](std::size_t size) {
         return filled(head + "Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\nx\n", size);
       }},
      {"lines that nearly are boundaries",
       [=](std::size_t size) {
         std::string text = head;
         for (int i = 0; i < 40; ++i) {
           const std::string boundary = std::string(60, '-') + std::to_string(i);
           text += "Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\n\n--" + boundary + "\n";
         }
         return filled(text + "\n", std::string(62, '-') + "\n", size);
       }},
      {"a status of recipients without number",
       [=](std::size_t size) {
         return filled(report + status, "\nFinal-Recipient: rfc822; a@example.com\nAction: failed\n", size);
       }},
      {"trace fields of nonsense",
       [=](std::size_t size) { return filled(head, "Received: from ((((((((((((\\\"\"[[[ by\n", size); }},
      {"quotes and brackets in From", [=](std::size_t size) { return filled(head + "From: ", "\"(<a@", size); }},
  };
}

[[nodiscard]] std::vector<Shape> classics() {
  const std::string head(kBounce);
  return {
      {"MIME tree 10,000 deep",
       [=](std::size_t) {
         std::string text = head;
         for (int i = 0; i < 10'000; ++i) {
           const std::string boundary = "b" + std::to_string(i);
           text += "Content-Type: multipart/mixed; boundary=" + boundary + "\n\n--" + boundary + "\n";
         }
         return text;
       }},
      {"messages enclosed 10,000 deep",
       [=](std::size_t) {
         std::string text = head;
         for (int i = 0; i < 10'000; ++i) text += "Content-Type: message/rfc822\n\n";
         return text;
       }},
      {"a single line of 64 MB", [=](std::size_t) { return filled(head + "\n", "x", 64 * kMiB); }},
      {"1,000,000 header fields",
       [=](std::size_t) {
         std::string text = head;
         for (int i = 0; i < 1'000'000 - 6; ++i) text += "X-A: 1\n";
         return text + "\nx\n";
       }},
      {"64 MB of NULs", [](std::size_t) { return std::string(64 * kMiB, '\0'); }},
      {"32 MB of NULs, as a body", [=](std::size_t) { return head + "\n" + std::string(31 * kMiB, '\0'); }},
      {"a zip bomb, base64",
       [=](std::size_t) {
         // Archives are never opened; the content only has to look like one and be large.
         return filled(head + "Content-Type: application/zip; name=bomb.zip\nContent-Transfer-Encoding: base64\n\n",
                       "UEsDBBQAAAAIAAAAIQAAAAAAAAAAAAAAAAAAAAAAQUFBQUFBQUFBQUFBQUFBQUFB\n", 30 * kMiB);
       }},
      {"a gzip bomb as enclosed message",
       [=](std::size_t) {
         return filled(head + "Content-Type: message/global\nContent-Transfer-Encoding: base64\n\n",
                       "H4sIAAAAAAACA+3BAQ0AAADCoPdPbQ43oAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", 30 * kMiB);
       }},
  };
}

struct Measured {
  double seconds = 0;
  double megabytes = 0;  ///< peak of the process, minus its memory with the message already in it
  std::string outcome;
};

[[nodiscard]] long peak_of_self() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;  // KiB
}

/// Parses and judges in a child process, so that its peak memory is its own.
[[nodiscard]] Measured measured(const std::string& bytes, const mail::Limits& limits) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("no child process");
  if (child == 0) {
    const long before = peak_of_self();
    const auto start = std::chrono::steady_clock::now();
    std::string outcome;
    if (const auto message = mail::parse(bytes, limits)) {
      TrapDelivery delivery;
      delivery.mail_from = "";
      outcome = name_of(detect::judge(delivery, *message, {}).kind);
    } else {
      outcome = mail::name_of(message.error().code);
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const std::string line =
        fmt::format("{} {} {}", seconds, static_cast<double>(peak_of_self() - before) / 1024, outcome);
    const bool written = write(ends[1], line.data(), line.size()) == static_cast<ssize_t>(line.size());
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  std::array<char, 256> buffer{};
  const ssize_t got = read(ends[0], buffer.data(), buffer.size() - 1);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (got <= 0 || status != 0) throw std::runtime_error("the child ended badly");
  Measured out;
  std::array<char, 64> outcome{};
  if (std::sscanf(buffer.data(), "%lf %lf %63s", &out.seconds, &out.megabytes, outcome.data()) != 3) {
    throw std::runtime_error("the child said nothing of use");
  }
  out.outcome = outcome.data();
  return out;
}

/// The minimum of a few runs, since other programs use the machine.
[[nodiscard]] Measured least(const std::string& bytes, const mail::Limits& limits) {
  Measured best = measured(bytes, limits);
  for (int i = 0; i < 2; ++i) {
    Measured again = measured(bytes, limits);
    if (again.seconds < best.seconds) best = std::move(again);
  }
  return best;
}

[[nodiscard]] bool grow(const mail::Limits& limits) {
  constexpr std::array<std::size_t, 5> kSizes{kKiB, 32 * kKiB, kMiB, 8 * kMiB, 64 * kMiB};
  fmt::print("{:<42}", "milliseconds at");
  for (const std::size_t size : kSizes) {
    fmt::print("{:>10}", size < kMiB ? fmt::format("{} KB", size / kKiB) : fmt::format("{} MB", size / kMiB));
  }
  fmt::print("{:>9}{:>9}  {}\n", "64 : 8", "memory", "verdict");
  bool well = true;
  for (const Shape& shape : shapes()) {
    std::vector<double> seconds;
    Measured last;
    for (const std::size_t size : kSizes) {
      last = least(shape.made(size), limits);
      seconds.push_back(last.seconds);
    }
    fmt::print("{:<42}", shape.name);
    for (const double each : seconds) fmt::print("{:>10.2f}", each * 1e3);
    const double growth = seconds[4] / seconds[3];
    // With linear time, eight times the size takes eight times as long. Below a few milliseconds the growth is noise.
    const bool linear = growth < 16 || seconds[4] < 0.02;
    const double multiple = last.megabytes / 64;
    const bool bounded = multiple < 4;
    well = well && linear && bounded;
    fmt::print("{:>9.1f}{:>8.1f}x  {}{}{}\n", growth, multiple, last.outcome, linear ? "" : "  NOT LINEAR",
               bounded ? "" : "  TOO MUCH MEMORY");
    std::fflush(stdout);
  }
  return well;
}

[[nodiscard]] bool stand(const mail::Limits& limits) {
  fmt::print("\n{:<42}{:>10}{:>10}{:>10}  {}\n", "the classics", "MB", "s", "peak MB", "verdict");
  bool well = true;
  for (const Shape& shape : classics()) {
    const std::string bytes = shape.made(0);
    const Measured is = least(bytes, limits);
    const double megabytes = static_cast<double>(bytes.size()) / static_cast<double>(kMiB);
    // This includes the memory of the message itself.
    const double peak = is.megabytes + megabytes;
    const bool bears = is.seconds < 2 && peak < 200;
    well = well && bears;
    fmt::print("{:<42}{:>10.1f}{:>10.3f}{:>10.1f}  {}{}\n", shape.name, megabytes, is.seconds, peak, is.outcome,
               bears ? "" : "  TOO MUCH");
    std::fflush(stdout);
  }
  return well;
}

}  // namespace

int main(int argc, char** argv) try {
  const bool as_fed = argc > 1 && std::string_view(argv[1]) == "--as-fed";
  mail::Limits limits;
  if (!as_fed) {
    limits.message = 128 * kMiB;
    limits.header_fields = 1'000'000;
  }
  // Create the automata before measuring, as a daemon does.
  const std::string first = std::string(kBounce) + "\nx\n";
  if (const auto message = mail::parse(first, limits)) static_cast<void>(detect::judge({}, *message, {}));
  const bool linear = grow(limits);
  const bool stands = stand(limits);
  fmt::print("\n{}\n", linear && stands ? "Time is linear, memory is bounded, and the classics are within their limits."
                                        : "Something is wrong: see above.");
  return linear && stands ? 0 : 1;
} catch (const std::exception& problem) {
  fmt::print(stderr, "judge_hostile: {}\n", problem.what());
  return 3;
}
