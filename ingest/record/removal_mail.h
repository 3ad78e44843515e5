// The answer to a message with which a host asks for its own removal.
//
// A listed host sends automatic mail: that is why it is listed. A stranger who names removal.mail as the sender of a message can make it answer
// there. So what looks like an automatic message is no request, and the subject has to begin with a word that answers don't begin with.
#pragma once

#include "blowback/removal.h"
#include "blowback/unix_time.h"
#include "feed/feed.h"
#include "schema/store.h"

#include <optional>
#include <string>
#include <string_view>

namespace blowback::record {

/// Why a message with this header is no request, as the reply of SMTP; absent: it is one. Pure.
[[nodiscard]] std::optional<std::string> objection_to(std::string_view header);

/// What became of a request, as the reply of SMTP. Pure.
[[nodiscard]] std::string reply_to(const IpAddress& client, const schema::Result<schema::RemovalFiled>& filed);

/// Files the request and answers the client. Absent: nothing was filed.
std::optional<RemovalRequest> take_removal_mail(const feed::RemovalMail& mail, schema::Store& store,
                                                const RemovalRules& rules, UnixTime now);

}  // namespace blowback::record
