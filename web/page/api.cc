#include "page/api.h"

#include "account/account_json.h"
#include "account/codes.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>

namespace blowback::page {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] std::string text_of(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string json_of(const account::Account& account, const About& about) {
  if (const auto always = account::always_answered(account.asked)) {
    return text_of({{"ip", account.asked.to_string()},
                    {"serial", account.serial ? Json(*account.serial) : Json()},
                    {"listed", !always->empty()},
                    {"test_address", true},
                    {"codes", account::names_of(*always)}});
  }
  return account::json_of(account, about.policy, about.contact) + "\n";
}

std::string json_of(std::span<const IpAddress> addresses, const schema::Checked& checked) {
  Json json{{"serial", checked.serial}, {"addresses", Json::array()}};
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto always = account::always_answered(addresses[i]);
    const auto codes = always.value_or(checked.all[i].codes);
    const auto until = always ? std::nullopt : checked.all[i].until;
    json["addresses"].push_back({{"ip", addresses[i].to_string()},
                                 {"listed", !codes.empty()},
                                 {"codes", account::names_of(codes)},
                                 {"until", until ? Json(to_iso8601(*until)) : Json()}});
  }
  return text_of(json);
}

std::string json_of(const RemovalRequest& request, bool is_new) {
  return text_of({{"address", request.address.to_string()},
                  {"sender", request.sender.to_string()},
                  {"state", name_of(request.state)},
                  {"requested_at", to_iso8601(request.requested_at)},
                  {"due_at", to_iso8601(request.due_at)},
                  {"new", is_new}});
}

std::string json_of_error(std::string_view error, std::string_view detail) {
  return text_of({{"error", error}, {"detail", detail}});
}

}  // namespace blowback::page
