#include "dns/comparison.h"

#include "blowback/text.h"
#include "dns/client.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <expected>
#include <iterator>
#include <set>
#include <thread>
#include <utility>

namespace blowback::cli {
namespace {

using Clock = std::chrono::steady_clock;
using Asked = std::expected<DnsReply, DnsFailure>;
using Pair = std::array<Asked, 2>;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{2000};
constexpr milliseconds kPause{100};
/// Questions under way at a time: a server far away answers some hundred a second.
constexpr std::size_t kThreads = 16;

/// A record as text that is the same for the same record.
[[nodiscard]] std::string text_of(const DnsRecord& record) {
  const auto type = static_cast<RecordType>(record.type);
  const bool has_strings = type == RecordType::txt;
  auto rdata = has_strings ? fmt::format("\"{}\"", fmt::join(record.rdata, "\" \""))
                           : fmt::format("{}", fmt::join(record.rdata, " "));
  return fmt::format("{} {} {} {}", lower_case(record.owner), record.ttl, name_of(type),
                     has_strings ? rdata : lower_case(rdata));
}

[[nodiscard]] std::multiset<std::string> texts_of(const std::vector<DnsRecord>& records) {
  std::multiset<std::string> texts;
  for (const auto& record : records) texts.insert(text_of(record));
  return texts;
}

[[nodiscard]] std::vector<DnsRecord> of_types_in(const std::vector<DnsRecord>& records,
                                                 const std::vector<DnsRecord>& others) {
  std::vector<DnsRecord> some;
  std::ranges::copy_if(records, std::back_inserter(some), [&](const DnsRecord& each) {
    return std::ranges::find(others, each.type, &DnsRecord::type) != others.end();
  });
  return some;
}

/// What only one of them has.
[[nodiscard]] std::string without(const std::multiset<std::string>& one, const std::multiset<std::string>& other) {
  std::vector<std::string> rest;
  std::ranges::set_difference(one, other, std::back_inserter(rest));
  return fmt::format("{}", fmt::join(rest, "; "));
}

class Comparison {
 public:
  Comparison(const std::array<config::Endpoint, 2>& servers, std::string zone, const std::vector<Question>& questions,
             const ComparisonTime& time)
      : servers_(servers), zone_(std::move(zone)), questions_(questions), time_(time) {}

  [[nodiscard]] Compared run() && {
    pending_.resize(questions_.size());
    for (std::size_t i = 0; i < pending_.size(); ++i) pending_[i] = i;
    std::vector<std::vector<Difference>> found(questions_.size());
    while (!pending_.empty()) {
      const auto before = equal_serial();
      if (!before) break;
      compared_.serial = before;
      const auto replies = ask_pending();
      const bool is_sure = serials() == std::array<std::optional<std::uint32_t>, 2>{*before, *before};
      std::vector<std::size_t> again;
      for (std::size_t i = 0; i < pending_.size(); ++i) {
        // Equal answers prove nothing if the zone changed meanwhile, but neither would they after a moment more.
        auto differences = differences_of(questions_[pending_[i]], replies[i]);
        if (differences.empty()) continue;
        if (is_sure) {
          found[pending_[i]] = std::move(differences);
        } else {
          again.push_back(pending_[i]);
        }
      }
      pending_ = std::move(again);
      if (!pending_.empty() && Clock::now() >= until_) {
        compared_.failure = "the serials weren't the same for long enough; run this when the list changes less";
        break;
      }
    }
    compared_.unsettled = pending_.size();
    for (auto& some : found) std::ranges::move(some, std::back_inserter(compared_.differences));
    return std::move(compared_);
  }

 private:
  [[nodiscard]] static Asked ask_one(const config::Endpoint& server, const Question& question) {
    DnsQuery query{.name = question.name, .type = question.type, .edns = Edns{}};
    auto reply = ask(server, query, kPatience);
    // Truncated, or lost to a rate limit, which is for UDP.
    if (reply && !reply->truncated) return reply;
    query.tcp = true;
    return ask(server, query, kPatience);
  }

  [[nodiscard]] std::array<std::optional<std::uint32_t>, 2> serials() {
    std::array<std::optional<std::uint32_t>, 2> serials;
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      const auto reply = ask_one(servers_.at(i), {.name = zone_, .type = RecordType::soa});
      if (!reply) {
        silence_ = fmt::format("{}: {}", to_string(servers_.at(i)), reply.error().text);
        continue;
      }
      const auto records = reply->answers_of(RecordType::soa);
      std::uint32_t serial = 0;
      if (records.empty() || records[0].rdata.size() < 3) {
        silence_ = fmt::format("{}: {} to a query for the SOA of {}", to_string(servers_.at(i)),
                               rcode_text(reply->rcode), zone_);
        continue;
      }
      const auto& text = records[0].rdata[2];
      if (std::from_chars(text.data(), text.data() + text.size(), serial).ec == std::errc{}) serials.at(i) = serial;
    }
    return serials;
  }

  /// Waits for it. Absent: `failure` says why.
  [[nodiscard]] std::optional<std::uint32_t> equal_serial() {
    const auto until = std::min(until_, Clock::now() + time_.for_serials);
    while (true) {
      const auto found = serials();
      if (found[0] && found[0] == found[1]) return found[0];
      const bool both_answer = found[0] && found[1];
      if (!both_answer || Clock::now() >= until) {
        compared_.failure = both_answer ? fmt::format(
                                              "the serials aren't equal: {} and {}; `blowback doctor` shows "
                                              "which server lags",
                                              *found[0], *found[1])
                                        : silence_;
        return std::nullopt;
      }
      std::this_thread::sleep_for(kPause);
    }
  }

  [[nodiscard]] std::vector<Pair> ask_pending() const {
    std::vector<Pair> replies(pending_.size());
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < std::min(kThreads, pending_.size()); ++i) {
      threads.emplace_back([&] {
        for (auto at = next++; at < pending_.size(); at = next++) {
          for (std::size_t server = 0; server < servers_.size(); ++server) {
            replies[at].at(server) =
                Clock::now() < until_
                    ? ask_one(servers_.at(server), questions_[pending_[at]])
                    : Asked(std::unexpected(DnsFailure{.timed_out = true, .text = "not asked: the time was over"}));
          }
        }
      });
    }
    threads.clear();  // waits for each
    return replies;
  }

  [[nodiscard]] static std::vector<Difference> differences_of(const Question& question, const Pair& replies) {
    std::vector<Difference> differences;
    const auto add = [&](std::string part, std::string first, std::string second) {
      if (first != second) {
        differences.push_back(
            {.question = question, .part = std::move(part), .theirs = {std::move(first), std::move(second)}});
      }
    };
    if (!replies[0] || !replies[1]) {
      const auto told = [](const Asked& reply) { return reply ? rcode_text(reply->rcode) : reply.error().text; };
      // Also if neither answers: that isn't the same answer.
      differences.push_back({.question = question, .part = "reply", .theirs = {told(replies[0]), told(replies[1])}});
      return differences;
    }
    const auto& one = *replies[0];
    const auto& other = *replies[1];
    add("RCODE", rcode_text(one.rcode), rcode_text(other.rcode));
    add("AA", one.authoritative ? "set" : "not set", other.authoritative ? "set" : "not set");
    auto answers = one.answers;
    auto other_answers = other.answers;
    if (question.type == RecordType::any && !answers.empty() && !other_answers.empty()) {
      answers = of_types_in(one.answers, other.answers);
      other_answers = of_types_in(other.answers, one.answers);
    }
    const auto texts = texts_of(answers);
    const auto other_texts = texts_of(other_answers);
    add("answer", without(texts, other_texts), without(other_texts, texts));
    if (!one.answers.empty() && !other.answers.empty()) return differences;
    const auto authority = texts_of(one.authority);
    const auto other_authority = texts_of(other.authority);
    add("authority", without(authority, other_authority), without(other_authority, authority));
    return differences;
  }

  const std::array<config::Endpoint, 2>& servers_;
  std::string zone_;
  const std::vector<Question>& questions_;
  const ComparisonTime& time_;
  Clock::time_point until_ = Clock::now() + time_.in_all;
  std::vector<std::size_t> pending_;  ///< indexes of questions
  std::string silence_;               ///< of the last server that didn't tell its serial
  Compared compared_;
};

}  // namespace

Compared compare(const std::array<config::Endpoint, 2>& servers, const std::string& zone,
                 const std::vector<Question>& questions, const ComparisonTime& time) {
  return Comparison(servers, zone, questions, time).run();
}

}  // namespace blowback::cli
