# What PSScriptAnalyzer looks for in hyperv/ and lab/powershell/: all of its default rules, for both PowerShells, less
# those that say the opposite of a rule of this house. CI runs it; any finding fails. Editors find this file by its
# name.
@{
    ExcludeRules = @(
        # -WhatIf and -Confirm are for people. The driver calls with $ConfirmPreference = 'None'; what a run would do is
        # shown by `watari cluster plan`, and what a node lets others do is for its worker (--allow).
        'PSUseShouldProcessForStateChangingFunctions'
        # tests/contract/powershell-static asks for more: a synopsis, an example, a line for every parameter.
        'PSProvideCommentHelp'
        # Answers are plain objects, and the schemas of hyperv/powershell/answers.ts say which.
        'PSUseOutputTypeCorrectly'
    )
    Rules        = @{
        PSUseCompatibleSyntax   = @{ Enable = $true; TargetVersions = @('5.1', '7.0') }
        # Parameters are used in the blocks that these run.
        PSReviewUnusedParameter = @{
            CommandsToTraverse = @('Invoke-Consistently', 'Invoke-InTurn', 'Invoke-Recorded', 'Read-Optional')
        }
    }
}
