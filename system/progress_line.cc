// Rate and time left are averages over the whole run so far, since the sizes of mails vary widely.
#include "progress_line.h"

#include <fmt/format.h>

#include <algorithm>

namespace blowback {
namespace {

constexpr std::chrono::milliseconds kDrawEvery{250};
constexpr int kBarCells = 24;

}  // namespace

ProgressLine::~ProgressLine() { interrupt(); }

void ProgressLine::interrupt() {
  if (open_) std::fputc('\n', out_);
  open_ = false;
}

void ProgressLine::show(const std::string& work, std::uint64_t done, std::uint64_t total, std::uint64_t items,
                        std::string_view unit) {
  if (total == 0) return;
  const auto now = Steady::now();
  if (work != work_) {
    interrupt();
    work_ = work;
    began_ = now;
    drawn_ = {};
    began_at_ = done;
    items_ = 0;
  }
  items_ += items;
  const bool finished = done >= total;
  const bool is_due = open_ ? now - drawn_ >= kDrawEvery : now - began_ >= quiet_;
  if (is_due || (finished && open_)) {
    drawn_ = now;
    const double seconds = std::max(std::chrono::duration<double>(now - began_).count(), 1e-3);
    const double share = static_cast<double>(done) / static_cast<double>(total);
    const auto done_per_second = static_cast<double>(done - std::min(began_at_, done)) / seconds;
    const double left = done_per_second > 0 && !finished ? static_cast<double>(total - done) / done_per_second : 0;
    const int cells = static_cast<int>(std::min(share, 1.0) * kBarCells);
    fmt::print(out_, "\r\033[K{} [{:<{}}] {:3.0f} %  {} {}, {:.0f}/s, {} left", work,
               std::string(static_cast<std::size_t>(cells), '#'), kBarCells, share * 100, items_, unit,
               static_cast<double>(items_) / seconds, in_words(Duration(static_cast<std::int64_t>(left))));
    std::fflush(out_);
    open_ = true;
  }
  if (!finished) return;
  interrupt();
  work_.clear();
}

}  // namespace blowback
