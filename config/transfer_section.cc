// `[transfer]` and `[[transfer.key]]`.
#include "names.h"
#include "sections.h"
#include "values.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <string_view>
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

/// `192.0.2.53:53`, or `192.0.2.53:53 key xfr.example.org`.
[[nodiscard]] std::expected<Secondary, NameError> secondary(std::string_view text) {
  constexpr std::string_view kKey = " key ";
  Secondary parsed;
  const auto split = text.find(kKey);
  if (split != std::string_view::npos) {
    auto name = dns_name(text.substr(split + kKey.size()));
    if (!name) return std::unexpected(NameError{"its key " + name.error().text});
    parsed.key = std::move(*name);
  }
  const auto at = endpoint(text.substr(0, split));
  if (!at) return std::unexpected(at.error());
  parsed.at = *at;
  return parsed;
}

void read_notify(Section& section, std::vector<Secondary>& notify) {
  constexpr std::size_t kMostSecondaries = 64;
  parsed_texts(section, "notify", notify, [](const std::string& text) { return secondary(text); });
  if (section.is_good("notify") && notify.size() > kMostSecondaries)
    section.complain("notify",
                     fmt::format("has more than {} servers; let secondaries notify others", kMostSecondaries));
  for (std::size_t i = 0; i < notify.size() && section.is_good("notify"); ++i) {
    if (notify[i].at.port == 0) section.complain("notify", i, "needs a port; the usual one is 53");
    const auto before = std::span(notify).first(i);
    if (std::ranges::find(before, notify[i].at, &Secondary::at) != before.end())
      section.complain("notify", i, "is there twice; remove one");
  }
}

/// Requires that the keys were read.
void check_notify_keys(Section& section, const Transfer& transfer) {
  for (std::size_t i = 0; i < transfer.notify.size() && section.is_good("notify"); ++i) {
    const auto& key = transfer.notify[i].key;
    if (!key.empty() && std::ranges::find(transfer.keys, key, &Key::name) == transfer.keys.end())
      section.complain("notify", i, "names a key that there isn't; add it by [[transfer.key]], or correct its name");
  }
}

void read_tls(Section& section, TransferTls& tls, const std::vector<Endpoint>& answered) {
  constexpr std::size_t kMostEndpoints = 16;
  parsed_texts(section, "tls", tls.listen, [](const std::string& text) { return endpoint(text); });
  if (section.is_good("tls") && tls.listen.size() > kMostEndpoints)
    section.complain("tls", fmt::format("has more than {} endpoints; remove some", kMostEndpoints));
  for (std::size_t i = 0; i < tls.listen.size() && section.is_good("tls"); ++i) {
    const auto& at = tls.listen[i];
    const auto before = std::span(tls.listen).first(i);
    if (std::ranges::find(before, at) != before.end()) section.complain("tls", i, "is there twice; remove one");
    if (std::ranges::find(answered, at) != answered.end())
      section.complain("tls", i, "is in server.listen, too; use another port, usually 853");
  }
  section.text("tls_certificate", tls.certificate);
  section.text("tls_key", tls.key);
  section.text("tls_clients", tls.clients);
  for (const auto& [key, file] : {std::pair("tls_certificate", &tls.certificate), std::pair("tls_key", &tls.key)}) {
    if (!tls.listen.empty() && file->empty())
      section.complain(key, "is missing; `tls` needs a certificate and its key, each in a PEM file");
  }
  for (const auto& [key, file] : {std::pair("tls_certificate", &tls.certificate), std::pair("tls_key", &tls.key),
                                  std::pair("tls_clients", &tls.clients)}) {
    if (file->find('\0') != std::string::npos) section.complain(key, "is no path; name a PEM file");
    if (tls.listen.empty() && !file->empty() && !section.has("tls"))
      section.complain(key, "has no effect without `tls`; name an endpoint there, for example \"192.0.2.1:853\"");
  }
}

}  // namespace

void read_transfer(Section& section, Transfer& transfer, const std::vector<Endpoint>& listen) {
  prefixes(section, "allow", transfer.allow);
  read_notify(section, transfer.notify);
  section.sections("key", [&](Section& inner) { read_key(inner, transfer.keys); });
  check_notify_keys(section, transfer);
  read_tls(section, transfer.tls, listen);
  section.integer("history", transfer.history, 0, 100'000);
  section.integer("connections", transfer.connections, 1, 100);
  section.duration("time", transfer.time, Duration{1}, std::chrono::days{1});
}

}  // namespace blowback::config
