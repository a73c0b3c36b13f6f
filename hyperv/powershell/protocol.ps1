# One line in, one line out: the way in which the driver (shell.ts) calls this module. A person calls the functions
# themselves. Dot-sourced by Watari.HyperV.psm1.

# Operation of the port (hyperv/host.ts) -> function of this module. List: any number of objects, an array in the reply;
# all others write exactly one.
$script:Operations = @{
    readHost              = @{ Function = 'Get-WatariHost' }
    readBoot              = @{ Function = 'Get-WatariBoot' }
    readSetup             = @{ Function = 'Get-WatariSetup' }
    readPeers             = @{ Function = 'Get-WatariPeer'; List = $true }
    readServices          = @{ Function = 'Get-WatariService'; List = $true }
    readFeatures          = @{ Function = 'Get-WatariFeature'; List = $true }
    readSwitches          = @{ Function = 'Get-WatariSwitch'; List = $true }
    readMigrationSettings = @{ Function = 'Get-WatariMigrationSetting' }
    readVm                = @{ Function = 'Get-WatariVMState' }
    readVms               = @{ Function = 'Get-WatariVM'; List = $true }
    readVmStorage         = @{ Function = 'Get-WatariVMStorage'; List = $true }
    readDiskFiles         = @{ Function = 'Test-WatariDiskFile'; List = $true }
    readCluster           = @{ Function = 'Get-WatariCluster' }
    readNodes             = @{ Function = 'Get-WatariNode'; List = $true }
    readNetworks          = @{ Function = 'Get-WatariNetwork'; List = $true }
    readSharedVolumes     = @{ Function = 'Get-WatariSharedVolume'; List = $true }
    readGroups            = @{ Function = 'Get-WatariGroup'; List = $true }
    readLinks             = @{ Function = 'Get-WatariLink'; List = $true }
    readRoles             = @{ Function = 'Get-WatariRole'; List = $true }
    readRole              = @{ Function = 'Get-WatariVMRole' }
    readMovesAway         = @{ Function = 'Get-WatariMoveAway'; List = $true }
    readEvents            = @{ Function = 'Get-WatariEvent'; List = $true }
    readBlackouts         = @{ Function = 'Get-WatariBlackout'; List = $true }
    readUpdates           = @{ Function = 'Get-WatariUpdate' }
    readUpdateJob         = @{ Function = 'Get-WatariUpdateJob' }
    readStorage           = @{ Function = 'Get-WatariStorage' }
    readServicing         = @{ Function = 'Get-WatariServicing' }
    installFeatures       = @{ Function = 'Install-WatariFeature' }
    restartNode           = @{ Function = 'Restart-WatariNode' }
    configureMigration    = @{ Function = 'Set-WatariMigrationSetting' }
    configureCluster      = @{ Function = 'Set-WatariCluster' }
    createVm              = @{ Function = 'New-WatariVM' }
    removeVm              = @{ Function = 'Remove-WatariVM' }
    addRole               = @{ Function = 'Add-WatariRole' }
    removeRole            = @{ Function = 'Remove-WatariRole' }
    startRole             = @{ Function = 'Start-WatariRole' }
    stopRole              = @{ Function = 'Stop-WatariRole' }
    pauseNode             = @{ Function = 'Suspend-WatariNode' }
    resumeNode            = @{ Function = 'Resume-WatariNode' }
    startMove             = @{ Function = 'Start-WatariMove' }
    cancelMove            = @{ Function = 'Stop-WatariMove' }
    moveGroup             = @{ Function = 'Move-WatariGroup' }
    moveSharedVolume      = @{ Function = 'Move-WatariSharedVolume' }
    downloadUpdates       = @{ Function = 'Save-WatariUpdate' }
    installUpdates        = @{ Function = 'Install-WatariUpdate' }
    setStorageMaintenance = @{ Function = 'Set-WatariStorageMaintenance' }
    commitUpdates         = @{ Function = 'Complete-WatariUpdate' }
    installPackages       = @{ Function = 'Install-WatariPackage' }
    hello                 = @{ Function = 'Get-WatariShell' }
    contact               = @{ Function = 'Test-WatariContact' }
}

function Get-WatariShell {
    <#
    .SYNOPSIS
    Tells which PowerShell this is: version, edition, language mode, bitness, account.
    .EXAMPLE
    Get-WatariShell
    #>
    [CmdletBinding()]
    param()
    [pscustomobject][ordered]@{
        version  = [string]$PSVersionTable.PSVersion
        edition  = [string]$PSVersionTable.PSEdition
        language = [string]$ExecutionContext.SessionState.LanguageMode
        is64Bit  = [Environment]::Is64BitProcess
        pid      = [int]$PID
        user     = [Environment]::UserName
        culture  = [string][System.Globalization.CultureInfo]::CurrentUICulture.Name
    }
}

# JSON to what a parameter takes. Strings come with a leading '=': no JSON reader takes such a one for a date.
function ConvertTo-Argument {
    param($Value)
    if ($null -eq $Value) { return $null }
    if ($Value -is [string]) { return $Value.Substring(1) }
    if ($Value -is [double] -or $Value -is [decimal] -or $Value -is [single]) {
        # Casting would round 1.5 parallel migrations to 2.
        throw (New-ModuleError -Id 'BadRequest' -Category InvalidArgument -Message (
                "$([System.Convert]::ToString($Value, $script:Invariant)) is not a whole number."))
    }
    if ($Value -is [array]) {
        $list = [System.Collections.ArrayList]::new()
        foreach ($item in $Value) { [void]$list.Add((ConvertTo-Argument $item)) }
        return , $list.ToArray()
    }
    if ($Value -is [System.Management.Automation.PSCustomObject]) {
        $table = @{}
        foreach ($property in $Value.PSObject.Properties) { $table[$property.Name] = ConvertTo-Argument $property.Value }
        return $table
    }
    $Value
}

# An error as data: its id, and for every exception of the chain, outermost first, type, code and text.
function ConvertTo-ErrorReply {
    param([System.Management.Automation.ErrorRecord]$Record)
    $chain = [System.Collections.ArrayList]::new()
    $exception = $Record.Exception
    $errorId = [string]$Record.FullyQualifiedErrorId
    while ($null -ne $exception -and $chain.Count -lt 8) {
        $code = ConvertTo-HResult $exception.HResult
        # Its HResult is always E_FAIL; NativeErrorCode is a Win32 code or a whole HRESULT.
        if ($exception -is [System.ComponentModel.Win32Exception]) {
            $native = [long]$exception.NativeErrorCode
            if ($native -gt 0 -and $native -le 65535) { $native = $native -bor 2147942400 }
            if ($native -ne 0) { $code = ConvertTo-HResult $native }
        }
        else {
            # Of its own on a cluster's exception, a signed HRESULT. Hyper-V's says 32768 and so on, which is none.
            $own = Read-Property $exception 'ErrorCode'
            if ($own -is [int] -and $own -lt 0) { $code = ConvertTo-HResult $own }
        }
        if ($exception.Data.Contains('WatariHResult')) { $code = [string]$exception.Data['WatariHResult'] }
        if ($exception.Data.Contains('WatariErrorId')) { $errorId = [string]$exception.Data['WatariErrorId'] }
        [void]$chain.Add([ordered]@{
                type    = [string]$exception.GetType().FullName
                hresult = $code
                message = [string]$exception.Message
            })
        $exception = $exception.InnerException
    }
    [ordered]@{
        errorId  = $errorId
        category = [string]$Record.CategoryInfo.Category
        command  = [string]$Record.CategoryInfo.Activity
        message  = [string]$Record.Exception.Message
        chain    = $chain.ToArray()
    }
}

# The innermost code that an error carries: outer exceptions wrap what Windows said.
function Read-ErrorCode {
    param([System.Management.Automation.ErrorRecord]$Record)
    @((ConvertTo-ErrorReply $Record).chain)[-1].hresult
}

function Write-Reply {
    param([string]$Nonce, $Reply)
    $json = ConvertTo-Json -InputObject $Reply -Compress -Depth 12
    $base64 = [System.Convert]::ToBase64String([System.Text.Encoding]::UTF8.GetBytes($json))
    # The length tells an answer apart from one that somebody else's output got into.
    [Console]::Out.WriteLine('<' + $Nonce + ':' + $base64.Length + ':' + $base64 + '>')
}

function Invoke-WatariOperation {
    <#
    .SYNOPSIS
    Runs one operation that is named in a line of base64 and answers with such a line. For programs.
    .DESCRIPTION
    The line is base64 of UTF-8 JSON: {"nonce":"...","op":"readNodes","args":{}}. The answer on standard output is
    <nonce:length:base64 of JSON>: {"ok":true,"facts":...,"cmdlets":[...],"log":[...]} or {"ok":false,"error":{...}}.
    People call the other functions of this module.
    .PARAMETER Request
    The line.
    .EXAMPLE
    Invoke-WatariOperation 'eyJub25jZSI6Im4iLCJvcCI6ImhlbGxvIiwiYXJncyI6e319'
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true, Position = 0)][string]$Request)
    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'
    $ProgressPreference = 'SilentlyContinue'
    $ConfirmPreference = 'None'
    $nonce = ''
    $log = [System.Collections.ArrayList]::new()
    $written = [System.Collections.ArrayList]::new()
    $script:Recorded = [ordered]@{}
    $reply = [ordered]@{ ok = $false }
    try {
        $json = [System.Text.Encoding]::UTF8.GetString([System.Convert]::FromBase64String($Request))
        $asked = ConvertFrom-Json -InputObject $json
        $nonce = [string]$asked.nonce
        $operation = $script:Operations[[string]$asked.op]
        if ($null -eq $operation) {
            throw (New-ModuleError -Id 'BadRequest' -Category InvalidArgument -Message "There is no operation '$($asked.op)'.")
        }
        $given = ConvertTo-Argument $asked.args
        if ($null -eq $given) { $given = @{} }
        $function = $operation.Function
        # Every other stream becomes a part of the log; on standard output it would be noise.
        & $function @given 2>&1 3>&1 4>&1 6>&1 | ForEach-Object {
            if ($_ -is [System.Management.Automation.WarningRecord]) { [void]$log.Add('warning: ' + [string]$_.Message) }
            elseif ($_ -is [System.Management.Automation.VerboseRecord]) { [void]$log.Add('verbose: ' + [string]$_.Message) }
            elseif ($_ -is [System.Management.Automation.InformationRecord]) { [void]$log.Add([string]$_.MessageData) }
            elseif ($_ -is [System.Management.Automation.ErrorRecord]) { throw $_ }
            else { [void]$written.Add($_) }
        }
        if ($operation.ContainsKey('List')) { $reply['facts'] = $written.ToArray() }
        elseif ($written.Count -eq 1) { $reply['facts'] = $written[0] }
        else { throw "$function wrote $($written.Count) values where one was expected." }
        $reply['ok'] = $true
    }
    catch { $reply['error'] = ConvertTo-ErrorReply $_ }
    $reply['cmdlets'] = @(Get-RecordedLine)
    $reply['log'] = $log.ToArray()
    $script:Recorded = $null
    try { Write-Reply $nonce $reply }
    catch { Write-Reply $nonce ([ordered]@{ ok = $false; error = (ConvertTo-ErrorReply $_); cmdlets = @(); log = @() }) }
}
