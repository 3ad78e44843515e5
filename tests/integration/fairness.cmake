# Nobody innocent is listed, whatever a stranger sends or a clock says.
blowback_integration_test(fairness_clock 240)
