// `[transfer]` and `[[transfer.key]]`.
#include "names.h"
#include "sections.h"
#include "values.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace blowback::config {
namespace {

void read_key(Section& section, std::vector<Key>& keys) {
  Key key;
  section.text("name", key.name);
  if (auto name = dns_name(key.name)) {
    key.name = std::move(*name);
    if (std::ranges::find(keys, key.name, &Key::name) != keys.end())
      section.complain("name", "is also the name of an earlier key; give each key another name");
  } else {
    section.complain("name", fmt::format("{}; write the name that both servers use, for example \"xfr.example.org\"",
                                         name.error().text));
  }
  choice(section, "algorithm", key.algorithm, kTsigAlgorithms);
  section.text("secret_file", key.secret_file);
  if (key.secret_file.empty() || key.secret_file.find('\0') != std::string::npos)
    section.complain("secret_file", "is no path; name a file with the secret in base64");
  keys.push_back(std::move(key));
}

}  // namespace

void read_transfer(Section& section, Transfer& transfer) {
  constexpr std::size_t kMostSecondaries = 64;
  prefixes(section, "allow", transfer.allow);
  parsed_texts(section, "notify", transfer.notify, [](const std::string& text) { return endpoint(text); });
  if (section.is_good("notify") && transfer.notify.size() > kMostSecondaries)
    section.complain("notify",
                     fmt::format("has more than {} servers; let secondaries notify others", kMostSecondaries));
  for (std::size_t i = 0; i < transfer.notify.size() && section.is_good("notify"); ++i) {
    const auto& at = transfer.notify[i];
    if (at.port == 0) section.complain("notify", i, "needs a port; the usual one is 53");
    const auto before = transfer.notify.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(transfer.notify.begin(), before, at) != before)
      section.complain("notify", i, "is there twice; remove one");
  }
  section.sections("key", [&](Section& inner) { read_key(inner, transfer.keys); });
  section.integer("history", transfer.history, 0, 100'000);
  section.integer("connections", transfer.connections, 1, 100);
  section.duration("time", transfer.time, Duration{1}, std::chrono::days{1});
}

}  // namespace blowback::config
