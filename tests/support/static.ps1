# Looks at the module's source without running it: parse errors, characters that 5.1 would misread, language that 5.1
# lacks, every command and .NET member that is named, and whether each cmdlet call can be bound. Writes one JSON object
# to standard output. CHECK_FOLDER: what to look at. CHECK_STANDINS: the lab's generated modules, which are what the calls
# are bound to.
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
            # Looking for a command that is nowhere takes long, and most are called many times.
            if (-not $known.ContainsKey($plain)) {
                $known[$plain] = @(Get-Command -Name $plain -CommandType Function -ErrorAction Ignore | Where-Object { $modules -contains $_.ModuleName })
            }
            $found = $known[$plain]
            if (-not $found) { continue }
            if ($qualifier -ne [string]@($found)[0].ModuleName) { $unqualified[$name] = $line }
            $bound++
            $binding = [System.Management.Automation.Language.StaticParameterBinder]::BindCommand($node, $true)
            foreach ($key in $binding.BindingExceptions.Keys) {
                [void]$unbound.Add("$line $name -$key`: $($binding.BindingExceptions[$key].BindingException.Message)")
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
}
[Console]::Out.WriteLine((ConvertTo-Json -InputObject $result -Compress -Depth 4))
