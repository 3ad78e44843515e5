#include "names.h"
#include "sections.h"
#include "values.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace blowback::config {
void read_place(Section& section, std::string_view key, std::optional<MetricsEndpoint>& into) {
  constexpr std::string_view kUnix = "unix:";
  std::string text;
  section.text(key, text);
  if (!section.is_good(key) || text.empty()) return;
  if (text.starts_with(kUnix)) {
    auto path = text.substr(kUnix.size());
    if (path.empty() || path.find('\0') != std::string::npos || path.size() > kSocketPathOctets) {
      section.complain(key,
                       fmt::format("needs a path of 1 to {} octets after unix:, for example \"unix:/run/blowback/{}\"",
                                   kSocketPathOctets, key));
    } else {
      into = std::move(path);
    }
  } else if (auto parsed = endpoint(text)) {
    into = *parsed;
  } else {
    section.complain(
        key, fmt::format("{}; or name a unix socket, for example \"unix:/run/blowback/{}\"", parsed.error().text, key));
  }
}

void read_log(Section& section, Log& log) {
  choice(section, "format", log.format, kLogFormats);
  choice(section, "level", log.level, kLogLevels);
}

void read_metrics(Section& section, Metrics& metrics) {
  read_place(section, "server", metrics.server);
  read_place(section, "ingest", metrics.ingest);
  if (metrics.server && metrics.server == metrics.ingest) {
    section.complain("ingest", "is the server's, too; each daemon needs an endpoint of its own");
  }
}

}  // namespace blowback::config
