// A bounce, for tests of what records it.
#pragma once

#include <string>

namespace blowback::test {

/// A DSN as Postfix writes it, returning a mail that claims to come from `trap`.
inline std::string bounce(const std::string& received, const std::string& trap = "bob@trap.example.net",
                          int number = 1) {
  return "Return-Path: <>\r\nDelivered-To: " + trap + "\r\n" + received +
         "Date: Tue, 24 Nov 2026 10:00:00 +0000 (UTC)\r\n"
         "From: MAILER-DAEMON@mx.example.org (Mail Delivery System)\r\n"
         "Subject: Undelivered Mail Returned to Sender\r\nTo: " +
         trap +
         "\r\nAuto-Submitted: auto-replied\r\n"
         "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"B/x\"\r\n"
         "Message-Id: <20261124100000.4F1@mx.example.org>\r\n\r\n"
         "--B/x\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
         "This is the mail system at host mx.example.org.\r\n\r\n"
         "<nobody@example.org>: host mail.example.org said: 550 5.1.1 User unknown\r\n\r\n"
         "--B/x\r\nContent-Type: message/delivery-status\r\n\r\n"
         "Reporting-MTA: dns; mx.example.org\r\nX-Postfix-Queue-ID: 4F1\r\n\r\n"
         "Final-Recipient: rfc822; nobody@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
         "--B/x\r\nContent-Type: message/rfc822\r\n\r\n"
         "Received: from pool-7.isp.example (unknown [203.0.113." +
         std::to_string(number) +
         "])\r\n\tby mx.example.org (Postfix) with SMTP id 4F1; Tue, 24 Nov 2026 09:59:01 +0000\r\n" + "From: Bob <" +
         trap + ">\r\nTo: nobody@example.org\r\nSubject: Cheap\r\nMessage-ID: <m" + std::to_string(number) +
         "@spammer.example>\r\nDate: Tue, 24 Nov 2026 09:59:00 +0000\r\n\r\nBuy.\r\n--B/x--\r\n";
}

}  // namespace blowback::test
