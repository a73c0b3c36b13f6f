# Looks at the module's source without running it: parse errors, characters that 5.1 would misread, language that 5.1
# lacks, every command and .NET member that is named, and whether each cmdlet call can be bound. Writes one JSON object
# to standard output. CHECK_FOLDER: what to look at. CHECK_STANDINS: the lab's generated modules, which are what the
# calls are bound to.
$Folder = $env:CHECK_FOLDER
$StandIns = $env:CHECK_STANDINS

$ErrorActionPreference = 'Stop'
$env:PSModulePath = $StandIns + [IO.Path]::PathSeparator + $env:PSModulePath

# What the tokens of PowerShell 7 are called, and 5.1 has not.
$newTokens = @('QuestionMark', 'QuestionQuestion', 'QuestionQuestionEquals', 'QuestionDot', 'QuestionLBracket', 'AndAnd', 'OrOr')

$parseErrors = New-Object System.Collections.ArrayList
$foreign = New-Object System.Collections.ArrayList
$newer = New-Object System.Collections.ArrayList
$commands = @{}
$members = @{}
$unbound = New-Object System.Collections.ArrayList
$unqualified = @{}
$bound = 0
$known = @{}
$functions = New-Object System.Collections.ArrayList
$reads = New-Object System.Collections.ArrayList
$calls = New-Object System.Collections.ArrayList

# The cmdlet of Windows, with the class where it has one, whose objects a piece of script gives; '' for none.
function Get-SourceOf($Ast) {
    $last = $Ast.FindAll({ $args[0] -is [System.Management.Automation.Language.CommandAst] -and
            $args[0].GetCommandName() -match '\A(Hyper-V|FailoverClusters|ServerManager|CimCmdlets|SmbShare|Storage)\\(Get|New|Install)-' }, $true) |
        Select-Object -Last 1
    if ($null -eq $last) { return '' }
    $name = $last.GetCommandName().Split('\')[1]
    $elements = @($last.CommandElements)
    for ($i = 1; $i -lt $elements.Count - 1; $i++) {
        if ($elements[$i].Extent.Text -match '\A-(ClassName|ResultClassName)\z') { return "$name $($elements[$i + 1].Extent.Text)" }
    }
    $name
}

# Whose objects a variable holds, as far as one function tells: what it was assigned, what a loop goes through, or, for
# $_, what comes down the pipeline.
function Get-SourceOfVariable($Variable) {
    $name = $Variable.VariablePath.UserPath
    $node = $Variable
    # Of its own: the caller has one of this name.
    $source = ''
    while ($null -ne $node.Parent) {
        $child = $node
        $node = $node.Parent
        if ($name -eq '_' -and $node -is [System.Management.Automation.Language.PipelineAst]) {
            $before = @($node.PipelineElements | Where-Object { $_.Extent.EndOffset -le $child.Extent.StartOffset })
            if ($before.Count -gt 0) {
                foreach ($element in $before) { $found = Get-SourceOf $element; if ($found) { $source = $found } }
                return $source
            }
        }
        if ($node -is [System.Management.Automation.Language.ForEachStatementAst] -and $node.Variable.VariablePath.UserPath -eq $name) {
            return Get-SourceOf $node.Condition
        }
        if ($node -is [System.Management.Automation.Language.FunctionDefinitionAst]) {
            if ($name -eq '_') { return '' }
            $set = @($node.FindAll({ $args[0] -is [System.Management.Automation.Language.AssignmentStatementAst] -and
                        $args[0].Left.Extent.Text -eq "`$$name" }, $true))
            # A table made of objects is none of them.
            if ($set.Count -ne 1 -or $set[0].Right.Extent.Text -match 'Group-ByVM|ForEach-Object|@\{') { return '' }
            return Get-SourceOf $set[0].Right
        }
    }
    ''
}

# The names that a table has which a call is given with @, as far as one function tells.
function Get-SplattedName($Command) {
    foreach ($splat in $Command.CommandElements | Where-Object { $_ -is [System.Management.Automation.Language.VariableExpressionAst] -and $_.Splatted }) {
        $table = '$' + $splat.VariablePath.UserPath
        $node = $Command.Parent
        while ($null -ne $node.Parent -and $node -isnot [System.Management.Automation.Language.FunctionDefinitionAst]) { $node = $node.Parent }
        foreach ($set in $node.FindAll({ $args[0] -is [System.Management.Automation.Language.AssignmentStatementAst] }, $true)) {
            if ($set.Left.Extent.Text -eq $table) {
                foreach ($made in $set.Right.FindAll({ $args[0] -is [System.Management.Automation.Language.HashtableAst] }, $true)) {
                    foreach ($pair in $made.KeyValuePairs) { $pair.Item1.Extent.Text }
                }
            }
            elseif ($set.Left -is [System.Management.Automation.Language.MemberExpressionAst] -and $set.Left.Expression.Extent.Text -eq $table) {
                $set.Left.Member.Extent.Text
            }
        }
    }
}

$modules = @([IO.Directory]::GetDirectories($StandIns) | ForEach-Object { [IO.Path]::GetFileName($_) })
# By path: a PowerShell on Windows has modules of the same names.
foreach ($module in $modules) { Import-Module -Name (Join-Path -Path $StandIns -ChildPath $module) }

foreach ($path in [IO.Directory]::GetFiles($Folder) | Where-Object { $_ -match '\.ps(1|m1|d1)\z' }) {
    $file = [IO.Path]::GetFileName($path)
    $text = [IO.File]::ReadAllText($path)
    foreach ($match in [regex]::Matches($text, '[^\x00-\x7f]')) { [void]$foreign.Add("${file}: $($match.Value)") }
    $tokens = $null
    $errors = $null
    $ast = [System.Management.Automation.Language.Parser]::ParseFile($path, [ref]$tokens, [ref]$errors)
    foreach ($problem in $errors) { [void]$parseErrors.Add("${file}:$($problem.Extent.StartLineNumber) $($problem.Message)") }
    foreach ($token in $tokens) {
        $place = "${file}:$($token.Extent.StartLineNumber) $($token.Text)"
        if ($newTokens -contains [string]$token.Kind) { [void]$newer.Add($place) }
        if ([string]$token.Kind -eq 'Ampersand' -and $token.Text -eq '&' -and $token.Extent.StartColumnNumber -gt 1) {
            # "command &" starts a job in 7; the call operator comes first.
            $rest = $token.Extent.StartScriptPosition.Line.Substring($token.Extent.StartColumnNumber)
            if ($rest.Trim() -eq '') { [void]$newer.Add($place) }
        }
        if ([string]$token.Kind -eq 'Number' -and $token.Text -match '\A0b|\d(u|ul|us|y|uy|s|n)\z') { [void]$newer.Add($place) }
        if ([string]$token.Kind -match 'String' -and $token.Text -match '`u\{') { [void]$newer.Add($place) }
    }
    foreach ($node in $ast.FindAll({ $true }, $true)) {
        $line = "${file}:$($node.Extent.StartLineNumber)"
        if ($node -is [System.Management.Automation.Language.MemberExpressionAst] -and $node.Static) {
            $members["[$($node.Expression.TypeName.FullName)]::$($node.Member.Extent.Text)"] = $line
        }
        elseif ($node -is [System.Management.Automation.Language.MemberExpressionAst] -and
            $node -isnot [System.Management.Automation.Language.InvokeMemberExpressionAst] -and
            $node.Expression -is [System.Management.Automation.Language.VariableExpressionAst] -and
            $node.Member -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
            $source = Get-SourceOfVariable $node.Expression
            if ($source) { [void]$reads.Add("$line $source $($node.Member.Value)") }
        }
        elseif ($node -is [System.Management.Automation.Language.FunctionDefinitionAst]) {
            $help = $node.GetHelpContent()
            $documented = @()
            if ($help -and $help.Parameters) { $documented = @($help.Parameters.Keys | ForEach-Object { $_.ToUpperInvariant() }) }
            $own = @()
            if ($node.Body.ParamBlock) { $own = @($node.Body.ParamBlock.Parameters | ForEach-Object { $_.Name.VariablePath.UserPath }) }
            [void]$functions.Add([ordered]@{
                    name         = $node.Name
                    synopsis     = $(if ($help) { [string]$help.Synopsis } else { '' })
                    examples     = $(if ($help -and $help.Examples) { $help.Examples.Count } else { 0 })
                    undocumented = @($own | Where-Object { $documented -notcontains $_.ToUpperInvariant() })
                    advanced     = @($node.Body.ParamBlock.Attributes | Where-Object { $_.TypeName.Name -eq 'CmdletBinding' }).Count -gt 0
                })
        }
        elseif ($node -is [System.Management.Automation.Language.VariableExpressionAst] -and
            $node.VariablePath.UserPath -match '\A(IsWindows|IsLinux|IsMacOS|IsCoreCLR|EnabledExperimentalFeatures)\z') {
            [void]$newer.Add("$line $($node.Extent.Text)")
        }
        elseif ($node -is [System.Management.Automation.Language.CommandAst]) {
            $name = $node.GetCommandName()
            if (-not $name) { continue }
            $commands[$name] = $line
            $qualifier = $name.Substring(0, [Math]::Max(0, $name.LastIndexOf('\')))
            $plain = $name.Substring($name.LastIndexOf('\') + 1)
            $given = @($node.CommandElements | Where-Object { $_ -is [System.Management.Automation.Language.CommandParameterAst] } | ForEach-Object { $_.ParameterName })
            # Looking for a command that is nowhere takes long, and most are called many times.
            if (-not $known.ContainsKey($plain)) {
                $known[$plain] = @(Get-Command -Name $plain -CommandType Function -ErrorAction Ignore | Where-Object { $modules -contains $_.ModuleName })
            }
            $found = $known[$plain]
            if ($found) {
                if ($qualifier -ne [string]@($found)[0].ModuleName) { $unqualified[$name] = $line }
                $bound++
                $binding = [System.Management.Automation.Language.StaticParameterBinder]::BindCommand($node, $true)
                foreach ($key in $binding.BindingExceptions.Keys) {
                    [void]$unbound.Add("$line $name -$key`: $($binding.BindingExceptions[$key].BindingException.Message)")
                }
                if ($binding.BoundParameters.Count -gt 0) { $given = @($binding.BoundParameters.Keys) }
            }
            if ($found -or $qualifier) {
                [void]$calls.Add([ordered]@{
                        at      = $line
                        cmdlet  = $plain
                        given   = @($given)
                        perhaps = @(Get-SplattedName $node)
                        piped   = $node.Parent -is [System.Management.Automation.Language.PipelineAst] -and $node.Parent.PipelineElements[0] -ne $node
                    })
            }
        }
    }
}

$result = [ordered]@{
    parseErrors = $parseErrors.ToArray()
    foreign     = $foreign.ToArray()
    newer       = $newer.ToArray()
    commands    = @($commands.Keys | Sort-Object)
    members     = @($members.Keys | Sort-Object)
    unqualified = @($unqualified.Keys | Sort-Object)
    unbound     = $unbound.ToArray()
    bound       = $bound
    functions   = $functions.ToArray()
    reads       = $reads.ToArray()
    calls       = $calls.ToArray()
}
[Console]::Out.WriteLine((ConvertTo-Json -InputObject $result -Compress -Depth 4))
