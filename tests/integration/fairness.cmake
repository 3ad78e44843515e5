# Nobody innocent is listed, whatever a stranger sends or an operator mistypes.
blowback_integration_test(fairness_guard_rails 180)
blowback_integration_test(fairness_attacks 300)
blowback_integration_test(fairness_corpus 180)
