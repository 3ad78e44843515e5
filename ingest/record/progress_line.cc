// Rate and time left are reckoned over the whole run so far: mail arrives at the parser in very uneven sizes.
#include "progress_line.h"

#include "blowback/unix_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace blowback::record {
namespace {

constexpr std::chrono::milliseconds kDrawEvery{250};
constexpr int kBarCells = 24;

}  // namespace

ProgressLine::~ProgressLine() {
  if (open_) std::fputc('\n', stderr);
}

void ProgressLine::show(const std::string& feed, const std::optional<feed::Progress>& progress, std::size_t items) {
  if (!progress || progress->total == 0) return;
  const auto now = Steady::now();
  if (feed != feed_) {
    if (open_) std::fputc('\n', stderr);
    feed_ = feed;
    began_ = now;
    drawn_ = {};
    began_at_ = progress->done;
    items_ = 0;
  }
  items_ += items;
  const bool finished = progress->done >= progress->total;
  if (!finished && now - drawn_ < kDrawEvery) return;
  drawn_ = now;
  const double seconds = std::max(std::chrono::duration<double>(now - began_).count(), 1e-3);
  const double share = static_cast<double>(progress->done) / static_cast<double>(progress->total);
  const auto octets_per_second = static_cast<double>(progress->done - std::min(began_at_, progress->done)) / seconds;
  const double left =
      octets_per_second > 0 ? static_cast<double>(progress->total - progress->done) / octets_per_second : 0;
  const int cells = static_cast<int>(share * kBarCells);
  const std::string line =
      fmt::format("\r\033[K{} [{:<{}}] {:3.0f} %  {} deliveries, {:.0f}/s, {} left", feed,
                  std::string(static_cast<std::size_t>(cells), '#'), kBarCells, share * 100, items_,
                  static_cast<double>(items_) / seconds, in_words(Duration(static_cast<std::int64_t>(left))));
  std::fputs(line.c_str(), stderr);
  open_ = true;
  if (finished) {
    std::fputc('\n', stderr);
    open_ = false;
    feed_.clear();
  }
}

}  // namespace blowback::record
