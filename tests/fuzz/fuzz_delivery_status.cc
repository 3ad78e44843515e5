// RFC 3464 and RFC 8098 fields, status codes and the cause, from any bytes: the results stay within their documented bounds.
#include "../../ingest/detect/cause.h"
#include "../../ingest/detect/delivery_status.h"
#include "../../ingest/detect/returned_original.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blowback::detect;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const DeliveryStatus status = parse_delivery_status(text);
  if (status.recipients.size() > 100) std::abort();
  for (const RecipientStatus& recipient : status.recipients) {
    if (recipient.diagnostic.size() > 4096) std::abort();
    // Status is a code that enhanced_status_in accepts, or nothing.
    if (recipient.status != enhanced_status_in(recipient.status)) std::abort();
  }
  const int reply = reply_code_in(text);
  if (reply != 0 && (reply < 400 || reply > 599)) std::abort();
  (void)original_message_id_of(text);
  (void)cause_of(SignatureSet::built_in(), status, text, text);
  const QuotedOriginal quoted = find_quoted_original(text);
  if (quoted.begin != std::string::npos && quoted.begin > text.size()) std::abort();
  (void)original_of(quoted.fields);
  return 0;
}
