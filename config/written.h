// What the file says and what it leaves to defaults: where each key stands, and all keys with the values in force, as TOML.
#pragma once

#include "config/config.h"

#include <cstddef>
#include <expected>
#include <map>
#include <string>
#include <vector>

namespace blowback::config {

/// The line of each key in the file, by its whole name: `database`, `server.rate_limit.slip`, `feed.0.path`. Tables stand there, too:
/// `feed.0`.
using Lines = std::map<std::string, std::size_t>;

/// Of a file that `load` has taken.
[[nodiscard]] std::expected<Lines, ConfigError> lines_of(const std::string& file);

/// Where a feed that listens does so, as the config has it: `127.0.0.1:25`, `unix:/run/trap.sock`.
[[nodiscard]] std::vector<std::string> places_of(const Feed& feed);

/// A key and its value.
struct Setting {
  std::string table;  ///< `zone`, `feed.0`; "" at the top of the file
  std::string key;
  std::string value;  ///< as TOML; secrets are masked
  std::string note;   ///< what an empty value means; "" where it says that itself
  [[nodiscard]] std::string name() const { return table.empty() ? key : table + "." + key; }
};

/// Every key that concerns this config, in the order of the manual. Parsed again, it gives the same config, but for secrets and for keys
/// with a note, which are to be left out.
[[nodiscard]] std::vector<Setting> settings_of(const Config& config);

}  // namespace blowback::config
