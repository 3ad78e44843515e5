dnl Into sendmail.mc, before the MAILER lines; then make sendmail.cf anew and restart. FEATURE(`dnsbl') and FEATURE(`enhdnsbl') won't do: they look
dnl at every sender. Here Local_check_mail looks at the null sender alone. Mind the tabs between the two sides of a rule.
LOCAL_CONFIG
Kblowback dns -R A -T<TMP> -a. -r5

LOCAL_RULESETS
SLocal_check_mail
R$*			$: <$1> $&{client_addr}
R<<>> $-.$-.$-.$-	$: <BL> $(blowback $4.$3.$2.$1.bl.example.org. $: OK $)
R<BL> 127.0.0.2.	$#error $@ 5.7.1 $: "554 Backscatter from " $&{client_addr} ", see https://bl.example.org/" $&{client_addr}
R<BL> 127.0.0.$-.	$: <CODE> $1
R<CODE> 3		$#error $@ 5.7.1 $: "554 Backscatter from " $&{client_addr} ", see https://bl.example.org/" $&{client_addr}
R<CODE> $-		$@ OK
R<BL> $*		$@ OK
R<$*> $*		$@ OK
