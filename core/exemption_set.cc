#include "blowback/exemption_set.h"

namespace blowback {

void ExemptionSet::insert(const Prefix& prefix, std::optional<UnixTime> expires_at) {
  const bool is_new = ends_.insert_or_assign(prefix, expires_at).second;
  if (is_new) ++count_.at(index_of(prefix.family())).at(static_cast<std::size_t>(prefix.length()));
}

void ExemptionSet::erase(const Prefix& prefix) {
  if (ends_.erase(prefix) == 0) return;
  --count_.at(index_of(prefix.family())).at(static_cast<std::size_t>(prefix.length()));
}

bool ExemptionSet::covers(const Prefix& prefix, UnixTime at) const {
  const Lengths& count = count_.at(index_of(prefix.family()));
  for (int length = 0; length <= prefix.length(); ++length) {
    if (count.at(static_cast<std::size_t>(length)) == 0) continue;
    const auto found = ends_.find(Prefix::covering(prefix.first(), length));
    if (found != ends_.end() && (!found->second || at < *found->second)) return true;
  }
  return false;
}

}  // namespace blowback
