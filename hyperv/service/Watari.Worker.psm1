# Watari.Worker: the worker of this node as a task of Windows' Task Scheduler, one function for each thing that
# `watari worker install|uninstall|status` asks or does. Written for Windows PowerShell 5.1, runs in PowerShell 7 too.
# ASCII only: 5.1 reads a file without BOM in the code page of the system.
#
# Where the facts are from: parameters of the ScheduledTasks cmdlets, MicrosoftDocs/windows-powershell-docs,
# docset/winserver2025-ps/ScheduledTasks; what the settings mean, MicrosoftDocs/win32, TaskSchd, and [MS-TSCH].
#
# Import-Module .\Watari.Worker.psd1; Get-WatariWorkerTask

# Cmdlets that are script functions or CDXML do not see our $ErrorActionPreference: an error of theirs would pass.
$script:PSDefaultParameterValues = @{ '*:ErrorAction' = 'Stop' }
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

# One line in, one line out, as with the module beside this one.
$script:Shared = Join-Path -Path (Split-Path -Path $PSScriptRoot -Parent) -ChildPath 'powershell'
. (Join-Path -Path $script:Shared -ChildPath 'foundation.ps1')
. (Join-Path -Path $script:Shared -ChildPath 'evidence.ps1')
. (Join-Path -Path $script:Shared -ChildPath 'protocol.ps1')

$script:Operations = @{
    readSession    = @{ Function = 'Get-WatariSession' }
    readAccount    = @{ Function = 'Get-WatariAccount' }
    readTasks      = @{ Function = 'Get-WatariWorkerTask'; List = $true }
    readProcesses  = @{ Function = 'Get-WatariWorkerProcess'; List = $true }
    registerTask   = @{ Function = 'Register-WatariWorkerTask' }
    enableTask     = @{ Function = 'Enable-WatariWorkerTask' }
    startTask      = @{ Function = 'Start-WatariWorkerTask' }
    stopTask       = @{ Function = 'Stop-WatariWorkerTask' }
    unregisterTask = @{ Function = 'Unregister-WatariWorkerTask' }
    hello          = @{ Function = 'Get-WatariShell' }
}

# Our folder in the Task Scheduler.
$script:TaskPath = '\watari\'

# The key for one password. It comes in the environment of this one process, the password itself encrypted in an
# argument: what script block logging, transcripts and the command history keep is of no use without the key, and
# nothing that this process starts inherits it.
$script:OnceKey = [Environment]::GetEnvironmentVariable('WATARI_ONCE_KEY')
[Environment]::SetEnvironmentVariable('WATARI_ONCE_KEY', $null)

# 'base64 of the vector:base64 of AES-256-CBC' -> text. GCM is not in the .NET Framework of 5.1.
function Unprotect-Once {
    param([string]$Text)
    if (-not $script:OnceKey) {
        throw (New-ModuleError -Id 'BadRequest' -Message 'There is no WATARI_ONCE_KEY: passwords come encrypted only.')
    }
    $part = $Text.Split([char]':')
    $aes = [System.Security.Cryptography.Aes]::Create()
    try {
        $aes.Key = [System.Convert]::FromBase64String($script:OnceKey)
        $aes.IV = [System.Convert]::FromBase64String($part[0])
        $bytes = [System.Convert]::FromBase64String($part[1])
        $plain = $aes.CreateDecryptor().TransformFinalBlock($bytes, 0, $bytes.Length)
        [System.Text.Encoding]::UTF8.GetString($plain)
    }
    finally { $aes.Dispose() }
}

# CDXML cmdlets ask for what is not there with an error instead of an empty answer.
function Test-Absent {
    param([System.Management.Automation.ErrorRecord]$Record)
    $Record.CategoryInfo.Category -eq [System.Management.Automation.ErrorCategory]::ObjectNotFound -and
    $Record.FullyQualifiedErrorId -notmatch '\ACommandNotFoundException'
}

# $null for a time that is none: Task Scheduler writes 1999-11-30 for a task that never ran.
function ConvertTo-TaskTime {
    param($Time)
    if ($null -eq $Time -or ([datetime]$Time).Year -lt 2000) { return $null }
    ConvertTo-IsoTime ([datetime]$Time)
}

function Get-WatariSession {
    <#
    .SYNOPSIS
    Tells who runs this and whether with the rights of an administrator.
    .DESCRIPTION
    elevated is $null where that cannot be asked, which is everywhere but on Windows.
    .EXAMPLE
    Get-WatariSession
    #>
    [CmdletBinding()]
    param()
    $elevated = $null
    try {
        $identity = [System.Security.Principal.WindowsIdentity]::GetCurrent()
        $principal = [System.Security.Principal.WindowsPrincipal]::new($identity)
        $elevated = $principal.IsInRole([System.Security.Principal.WindowsBuiltInRole]::Administrator)
    }
    catch [System.PlatformNotSupportedException] { $elevated = $null }
    [pscustomobject][ordered]@{
        elevated = $elevated
        user     = [Environment]::UserName
        computer = [Environment]::MachineName
    }
}

function Get-WatariAccount {
    <#
    .SYNOPSIS
    Tells whether a local account exists, may log on, and is an administrator of this computer.
    .DESCRIPTION
    administrator is $null where the group cannot be read: a member that Windows cannot resolve makes it refuse.
    .PARAMETER Name
    Name of the account, without the computer's.
    .EXAMPLE
    Get-WatariAccount -Name watari
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][string]$Name)
    # Listed and compared: -Name takes wildcards.
    $user = @(Microsoft.PowerShell.LocalAccounts\Get-LocalUser | Where-Object { $_.Name -eq $Name })
    if ($user.Count -eq 0) {
        return [pscustomobject][ordered]@{ exists = $false; enabled = $false; administrator = $false }
    }
    $administrator = $null
    try {
        # The name of the group is translated, its SID is not.
        $members = @(Microsoft.PowerShell.LocalAccounts\Get-LocalGroupMember -SID 'S-1-5-32-544')
        $administrator = @($members | Where-Object { [string]$_.SID -eq [string]$user[0].SID }).Count -gt 0
    }
    catch {
        if ([string]$_.FullyQualifiedErrorId -match '\A(CommandNotFound|CouldNotAutoload)') { throw }
        $administrator = $null
    }
    [pscustomobject][ordered]@{
        exists        = $true
        enabled       = [bool]$user[0].Enabled
        administrator = $administrator
    }
}

function Get-WatariWorkerTask {
    <#
    .SYNOPSIS
    Lists the tasks in watari's folder of the Task Scheduler.
    .EXAMPLE
    Get-WatariWorkerTask
    #>
    [CmdletBinding()]
    param()
    try { $tasks = @(ScheduledTasks\Get-ScheduledTask -TaskPath $script:TaskPath) }
    catch {
        if (Test-Absent $_) { return }
        throw
    }
    foreach ($task in $tasks) {
        $info = ScheduledTasks\Get-ScheduledTaskInfo -TaskName $task.TaskName -TaskPath $task.TaskPath
        $action = @($task.Actions)[0]
        [pscustomobject][ordered]@{
            name             = [string]$task.TaskName
            state            = [string]$task.State
            enabled          = [bool]$task.Settings.Enabled
            account          = [string]$task.Principal.UserId
            logonType        = [string]$task.Principal.LogonType
            execute          = [string]$action.Execute
            arguments        = [string]$action.Arguments
            workingDirectory = [string]$action.WorkingDirectory
            description      = [string]$task.Description
            lastRun          = ConvertTo-TaskTime $info.LastRunTime
            lastResult       = ConvertTo-HResult $info.LastTaskResult
        }
    }
}

function Get-WatariWorkerProcess {
    <#
    .SYNOPSIS
    Lists the Node processes of this computer with their command lines.
    .DESCRIPTION
    Without administrator rights the command lines of other accounts are empty.
    .EXAMPLE
    Get-WatariWorkerProcess
    #>
    [CmdletBinding()]
    param()
    foreach ($process in @(CimCmdlets\Get-CimInstance -ClassName Win32_Process -Filter "Name='node.exe'")) {
        $started = $null
        if ($null -ne $process.CreationDate) { $started = ConvertTo-IsoTime ([datetime]$process.CreationDate) }
        [pscustomobject][ordered]@{
            pid         = [int]$process.ProcessId
            commandLine = [string]$process.CommandLine
            started     = $started
        }
    }
}

function Register-WatariWorkerTask {
    <#
    .SYNOPSIS
    Registers a worker as a disabled task that starts at boot under an account, whether or not anybody logs on.
    .DESCRIPTION
    Windows keeps the password, for this task alone, and logs on with it: a registration with a wrong one fails
    (0x8007052E), and a task of that name that is already there is an error. A second trigger starts the task every five
    minutes and is ignored while it runs: RestartOnFailure is for a task that could not be started ([MS-TSCH] 2.5.4.2),
    not for a program that ended after days.
    .PARAMETER Name
    Name of the task.
    .PARAMETER Account
    COMPUTER\name.
    .PARAMETER Secret
    The account's password, encrypted with the key in WATARI_ONCE_KEY.
    .PARAMETER Execute
    Path of the program.
    .PARAMETER Arguments
    Its arguments as one string, quoted.
    .PARAMETER WorkingDirectory
    Folder in which it runs.
    .PARAMETER Description
    What a person reads in the Task Scheduler.
    .EXAMPLE
    Register-WatariWorkerTask -Name worker-1 -Account HV1\watari -Secret $encrypted -Execute C:\node.exe -Arguments 'x.js' -WorkingDirectory C:\ -Description 'x'
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)][string]$Name,
        [Parameter(Mandatory = $true)][string]$Account,
        [Parameter(Mandatory = $true)][string]$Secret,
        [Parameter(Mandatory = $true)][string]$Execute,
        [Parameter(Mandatory = $true)][string]$Arguments,
        [Parameter(Mandatory = $true)][string]$WorkingDirectory,
        [Parameter(Mandatory = $true)][string]$Description
    )
    $action = ScheduledTasks\New-ScheduledTaskAction -Execute $Execute -Argument $Arguments -WorkingDirectory $WorkingDirectory
    $atBoot = ScheduledTasks\New-ScheduledTaskTrigger -AtStartup
    # Without a duration it repeats for ever (RepetitionPattern.Duration). Each time that is ignored is event 322 of the
    # task history, so not every minute.
    $again = ScheduledTasks\New-ScheduledTaskTrigger -Once -At ([datetime]::Now) -RepetitionInterval ([timespan]::FromMinutes(5))
    # Zero is no limit; the default ends a task after three days. Priority 7, the default, is that of background work:
    # below normal for processor, memory and disk; 5 still gives memory a low one, 4 does not. 255 is the most that fits
    # (an unsigned byte).
    $settings = ScheduledTasks\New-ScheduledTaskSettingsSet -Disable -MultipleInstances IgnoreNew `
        -ExecutionTimeLimit ([timespan]::Zero) -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries `
        -DontStopOnIdleEnd -StartWhenAvailable -Priority 4 -RestartCount 255 -RestartInterval ([timespan]::FromMinutes(1))
    # Module logging, where a policy turns it on, writes the values of parameters into the event log.
    foreach ($module in @(Get-Module -All | Where-Object { $_.ExportedCommands.ContainsKey('Register-ScheduledTask') })) {
        $module.LogPipelineExecutionDetails = $false
    }
    $null = ScheduledTasks\Register-ScheduledTask -TaskName $Name -TaskPath $script:TaskPath -Action $action `
        -Trigger @($atBoot, $again) -Settings $settings -Description $Description -RunLevel Highest `
        -User $Account -Password (Unprotect-Once $Secret)
    [pscustomobject]@{ changed = $true }
}

function Enable-WatariWorkerTask {
    <#
    .SYNOPSIS
    Lets a task start.
    .PARAMETER Name
    Name of the task.
    .EXAMPLE
    Enable-WatariWorkerTask -Name worker-1
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][string]$Name)
    $null = ScheduledTasks\Enable-ScheduledTask -TaskName $Name -TaskPath $script:TaskPath
    [pscustomobject]@{ changed = $true }
}

function Start-WatariWorkerTask {
    <#
    .SYNOPSIS
    Starts a task now. Nothing happens when it runs already.
    .PARAMETER Name
    Name of the task.
    .EXAMPLE
    Start-WatariWorkerTask -Name worker-1
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][string]$Name)
    $null = ScheduledTasks\Start-ScheduledTask -TaskName $Name -TaskPath $script:TaskPath
    [pscustomobject]@{ changed = $true }
}

function Stop-WatariWorkerTask {
    <#
    .SYNOPSIS
    Ends the program of a task at once, in the middle of whatever it does.
    .PARAMETER Name
    Name of the task.
    .EXAMPLE
    Stop-WatariWorkerTask -Name worker-1
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][string]$Name)
    $null = ScheduledTasks\Stop-ScheduledTask -TaskName $Name -TaskPath $script:TaskPath
    [pscustomobject]@{ changed = $true }
}

function Unregister-WatariWorkerTask {
    <#
    .SYNOPSIS
    Removes a task, and with it the password that Windows kept for it.
    .PARAMETER Name
    Name of the task.
    .EXAMPLE
    Unregister-WatariWorkerTask -Name worker-1
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][string]$Name)
    try { $null = ScheduledTasks\Unregister-ScheduledTask -TaskName $Name -TaskPath $script:TaskPath -Confirm:$false }
    catch {
        if (-not (Test-Absent $_)) { throw }
        return [pscustomobject]@{ changed = $false }
    }
    [pscustomobject]@{ changed = $true }
}

Export-ModuleMember -Function *-Watari*
